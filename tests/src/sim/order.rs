//! What a request may bring: frozen bytes, in capture order, a voiding never with its target.

use uuid::Uuid;

use super::lrs::post::statements;
use super::model::Model;
use super::statement::Kind;

/// The statements in a body, or what is wrong with it (I2, I7).
pub fn posted(body: &[u8], model: &Model) -> Result<Vec<Uuid>, String> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Uuid,
    }
    let batch = statements(body).ok_or("I2: a body that is no JSON")?;
    let mut ids: Vec<Uuid> = Vec::with_capacity(batch.len());
    let mut last = None;
    for raw in batch {
        let id = serde_json::from_str::<Named>(raw.get())
            .map_err(|_| "I2: a statement without an id")?
            .id;
        let known = model
            .get(id)
            .ok_or_else(|| format!("I2: {id} was sent and never recorded"))?;
        if known.body != raw.get().as_bytes() {
            return Err(format!("I2: {id} was sent with other bytes than recorded"));
        }
        if known.gone.is_some() && !known.sent {
            return Err(format!("I3: {id} was sent though it is {:?}", known.gone));
        }
        if ids.contains(&id) {
            return Err(format!("I6: {id} is twice in one request"));
        }
        let place = model.place(id);
        if place < last {
            return Err(format!("I7: {id} is not in capture order"));
        }
        last = place;
        if let Kind::Voiding(target) = known.recipe.kind
            && let Some(target) = model.get(target)
            && target.gone.is_none()
            && target.delivered_at.is_none()
        {
            return Err(format!("I7: {id} was sent before its target was delivered"));
        }
        ids.push(id);
    }
    Ok(ids)
}
