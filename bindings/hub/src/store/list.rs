//! Lists of statements, newest first or oldest first, a page at a time.
//!
//! A statement matches by itself, or because the statement its StatementRef names matches, and so on
//! along the chain; time and voiding are always its own (1.0.3 Communication 2.1.3; 2.0.0 4.1.6.1).

use rusqlite::ToSql;

use super::Store;
use crate::problem::Problem;
use crate::query::Filter;

/// One page of a list.
pub struct Page {
    /// Each statement's `stored` in Unix microseconds, and its text.
    pub statements: Vec<(i64, String)>,
    /// Tells whether there is another page after the last of these.
    pub more: bool,
}

impl Store {
    /// Returns the statements that pass the filter, at most `limit`, and no more than fit into `bytes` together,
    /// but at least one.
    pub fn list(&self, filter: &Filter, limit: usize, bytes: usize) -> Result<Page, Problem> {
        let search = Search::of(filter, limit + 1);
        let connection = self.lock()?;
        let mut query = connection.prepare_cached(&search.page())?;
        let mut rows =
            query.query_map(&search.values()[..], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut page = Page {
            statements: Vec::new(),
            more: false,
        };
        let mut total = 0;
        for row in &mut rows {
            let (stored, body): (i64, String) = row?;
            total += body.len();
            let full = page.statements.len() == limit || total > bytes;
            if full && !page.statements.is_empty() {
                page.more = true;
                break;
            }
            page.statements.push((stored, body));
        }
        Ok(page)
    }
}

/// A filter as pieces of SQL about a statement `s`.
struct Search {
    /// Tables and conditions for a match, by itself or through a chain of references. All the tables have a column
    /// `stored`, and the conditions begin with AND.
    tables: Vec<&'static str>,
    wanted: String,
    /// Conditions for the statement itself.
    range: String,
    /// Column whose index gives the matches in order.
    key: &'static str,
    order: &'static str,
    values: Vec<(&'static str, Box<dyn ToSql>)>,
}

impl Search {
    fn of(filter: &Filter, limit: usize) -> Self {
        let mut search = Self {
            tables: Vec::new(),
            wanted: String::new(),
            range: "NOT s.voided".to_owned(),
            key: "s.stored",
            order: if filter.ascending { "ASC" } else { "DESC" },
            values: vec![(":limit", Box::new(limit as i64))],
        };
        search.want("s.verb = :verb", ":verb", filter.verb.clone());
        let registration = filter.registration.map(uuid::Uuid::into_bytes);
        search.want(
            "s.registration = :registration",
            ":registration",
            registration,
        );
        if let Some(activity) = &filter.activity {
            search.key = "activity.stored";
            search.tables.push("activity");
            search.want(
                "activity.id = :activity",
                ":activity",
                Some(activity.clone()),
            );
            let near = !filter.related_activities;
            search.want(
                "activity.near >= :activity_near",
                ":activity_near",
                Some(near),
            );
        }
        if let Some(agent) = &filter.agent {
            search.key = "agent.stored";
            search.tables.push("agent");
            search.want("agent.identifier = :agent", ":agent", Some(agent.clone()));
            let near = !filter.related_agents;
            search.want("agent.near >= :agent_near", ":agent_near", Some(near));
        }
        search.within("s.stored > :since", ":since", filter.since);
        search.within("s.stored <= :until", ":until", filter.until);
        let after = if filter.ascending {
            "s.stored > :after"
        } else {
            "s.stored < :after"
        };
        search.within(after, ":after", filter.after);
        search
    }

    fn want<T: ToSql + 'static>(&mut self, condition: &str, name: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.wanted.push_str(" AND ");
            self.wanted.push_str(condition);
            self.values.push((name, Box::new(value)));
        }
    }

    fn within(&mut self, condition: &str, name: &'static str, value: Option<i64>) {
        if let Some(value) = value {
            self.range.push_str(" AND ");
            self.range.push_str(condition);
            self.values.push((name, Box::new(value)));
        }
    }

    fn values(&self) -> Vec<(&str, &dyn ToSql)> {
        self.values
            .iter()
            .map(|(name, value)| (*name, value.as_ref()))
            .collect()
    }

    /// Returns the SQL for a page of the statements and their texts.
    fn page(&self) -> String {
        let Self { wanted, order, .. } = self;
        let mut found = format!("SELECT * FROM ({})", self.matching());
        if !wanted.is_empty() {
            found = format!("{found} UNION SELECT * FROM ({})", self.referring());
        }
        format!(
            "SELECT s.stored, s.body FROM ({found}) JOIN statement s USING (stored) \
             ORDER BY s.stored {order} LIMIT :limit"
        )
    }

    /// Returns the SQL for a page of those that match by themselves.
    fn matching(&self) -> String {
        let Self {
            wanted,
            range,
            key,
            order,
            ..
        } = self;
        let joins = self.joins("JOIN");
        format!(
            "SELECT s.stored FROM statement s{joins} WHERE {range}{wanted} ORDER BY {key} {order} LIMIT :limit"
        )
    }

    /// Returns the SQL for a page of those that match through what they refer to. The `s` inside is the one at the
    /// end of a chain; the cross joins make SQLite begin with the chain and not with all that matches.
    fn referring(&self) -> String {
        let Self {
            wanted,
            range,
            order,
            ..
        } = self;
        let joins = self.joins("CROSS JOIN");
        format!(
            "SELECT s.stored FROM statement s WHERE s.target IS NOT NULL AND {range} AND EXISTS (
                WITH RECURSIVE chain (id) AS (
                    SELECT s.target
                    UNION
                    SELECT link.target FROM chain JOIN statement link USING (id)
                    WHERE link.target IS NOT NULL
                )
                SELECT 1 FROM chain CROSS JOIN statement s USING (id){joins} WHERE TRUE{wanted}
            ) ORDER BY s.stored {order} LIMIT :limit"
        )
    }

    fn joins(&self, join: &str) -> String {
        let tables = self.tables.iter();
        tables
            .map(|table| format!(" {join} {table} ON {table}.stored = s.stored"))
            .collect::<Vec<_>>()
            .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Storage;

    /// A page is read off an index, however many statements there are.
    #[test]
    fn no_filter_sorts_or_reads_everything() {
        let store = Store::open(&Storage::Memory, None).unwrap();
        let text = || Some("x".to_owned());
        let all = Filter::default;
        for filter in [
            Filter {
                verb: text(),
                ..all()
            },
            Filter {
                agent: text(),
                ascending: true,
                ..all()
            },
            Filter {
                activity: text(),
                since: Some(1),
                ..all()
            },
            Filter {
                registration: Some(uuid::Uuid::nil()),
                after: Some(8),
                ..all()
            },
            Filter {
                agent: text(),
                verb: text(),
                activity: text(),
                after: Some(8),
                ..all()
            },
        ] {
            let search = Search::of(&filter, 10);
            for step in explain(&store, &search, &search.matching()) {
                assert!(step.starts_with("SEARCH"), "{step} for {filter:?}");
            }
            for step in explain(&store, &search, &search.referring()) {
                let whole = step.ends_with(" USING PRIMARY KEY (identifier=?)")
                    || step.ends_with(" USING PRIMARY KEY (id=?)");
                assert!(!whole && !step.contains("TEMP"), "{step} for {filter:?}");
            }
        }
    }

    fn explain(store: &Store, search: &Search, sql: &str) -> Vec<String> {
        let named = |name: &str| {
            let mut after = sql.split(name).skip(1);
            after.any(|rest| !rest.starts_with('_'))
        };
        let values: Vec<_> = search
            .values()
            .into_iter()
            .filter(|(name, _)| named(name))
            .collect();
        let connection = store.lock().unwrap();
        let mut query = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = query.query_map(&values[..], |row| row.get(3)).unwrap();
        steps.map(Result::unwrap).collect()
    }
}
