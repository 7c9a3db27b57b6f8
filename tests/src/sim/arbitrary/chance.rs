//! What happens beside the network: clocks, passwords, and what must never leave.

use pannier::lrs::{Method, Request};
use uuid::Uuid;

use super::World;
use super::lrs::Lrs;
use super::plan::draw_clock;
use super::served::MARK;
use crate::sim::lrs::{authorization, header};
use crate::sim::order;
use crate::sim::statement::Kind;
use crate::sim::world::Login;

impl World {
    /// Whether that is so of an LRS of another upstream.
    fn others_know(&mut self, is_so: impl Fn(&Lrs) -> bool) -> bool {
        let mut others = self.servers_elsewhere();
        others.any(|servers| servers.lrss.iter().any(&is_so))
    }

    /// The LRS that the app means.
    pub fn meant(&self) -> &Lrs {
        &self.servers.lrss[self.servers.target]
    }

    /// The device's clock jumps.
    pub fn jump(&mut self) {
        self.clock = draw_clock(&mut self.rng);
        self.jumps.push(self.now);
        self.times.device(self.now, self.started.1, self.clock);
        self.servers.patience.forget();
        for servers in self.servers_elsewhere() {
            servers.patience.forget();
        }
        self.tally.fault("device: the clock jumps");
        self.tell(|world| format!("the clock is off by {} ms now", world.clock));
    }

    /// One thing that operators do.
    pub fn operate(&mut self) {
        let target = self.servers.target;
        match self.rng.u32(..3) {
            0 => {
                self.servers.lrss[target].password += 1;
                self.tally.fault("lrs: another password");
                self.tell(|_| "the LRS has another password".to_owned());
            }
            1 => {
                let ahead = draw_clock(&mut self.rng);
                self.servers.lrss[target].ahead = ahead;
                self.times.lrs(ahead);
                self.tally.fault("lrs: its clock is set");
                self.tell(|_| format!("the LRS's clock is off by {ahead} ms"));
            }
            _ => {
                self.login = [Login::Nothing, Login::Garbled][self.rng.usize(..2)];
                self.servers.patience.unlock();
                self.tell(|world| format!("the app logs in as {:?}", world.login));
            }
        }
    }

    /// Which LRS this request goes to, if nothing of it is what must never leave; and the statements in it.
    pub fn may_leave(&mut self, request: &Request) -> Result<(usize, Vec<Uuid>), String> {
        let goes_to = |lrs: &Lrs| request.url.starts_with(&format!("{}/", lrs.base));
        let to = self.servers.lrss.iter().position(goes_to);
        let to =
            to.ok_or_else(|| format!("K6: sent to nobody that was ever meant: {}", request.url))?;
        let secret = header(request, "Authorization");
        let belongs_to = |lrs: &Lrs| {
            let mut all = lrs.first_password..=lrs.password;
            all.any(|n| secret == Some(&*authorization(n)))
        };
        if let Some(owner) = self.servers.lrss.iter().position(belongs_to)
            && owner != to
        {
            return Err(format!(
                "I11: the secret of LRS {owner} was sent to LRS {to}"
            ));
        }
        if self.others_know(belongs_to) {
            return Err(format!(
                "I11: the secret of another upstream's LRS was sent to LRS {to}"
            ));
        }
        let ids = order::posted(request, &mut self.model, &self.times)?;
        if to != self.servers.target && request.method == Method::Post {
            return Err(format!(
                "K6: statements were sent to LRS {to} while LRS {} is meant",
                self.servers.target
            ));
        }
        let modern = |id: &&Uuid| {
            self.model
                .get(**id)
                .is_some_and(|known| known.recipe.kind == Kind::Modern)
        };
        if header(request, MARK) != Some("2.0.0")
            && let Some(id) = ids.iter().find(modern)
        {
            return Err(format!(
                "A4: {id} needs 2.0.0 and was sent under another version"
            ));
        }
        if to == self.servers.target
            && let Some(broken) = self.servers.patience.broken_by(request, self.now)
        {
            return Err(broken);
        }
        Ok((to, ids))
    }
}
