//! What a request may bring: frozen bytes, in capture order, a voiding never with its target.

use pannier::lrs::Request;
use uuid::Uuid;

use super::lrs::post::statements;
use super::model::{Gone, Model};
use super::parts::apart;
use super::statement::Kind;
use super::times::Times;

/// The statements in a body, or what is wrong with it (I2, I7, I14).
pub fn posted(request: &Request, model: &mut Model, times: &Times) -> Result<Vec<Uuid>, String> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Uuid,
    }
    let Some(apart) = apart(request)? else {
        return Ok(Vec::new());
    };
    let batch = statements(apart.statements).ok_or("I2: a body that is no JSON")?;
    let named = |hash: &str| batch.iter().any(|raw| raw.get().contains(hash));
    if apart.contents.iter().any(|part| !named(part.hash)) {
        return Err("I14: a content was sent that no statement names".to_owned());
    }
    let mut ids: Vec<Uuid> = Vec::with_capacity(batch.len());
    let mut last = None;
    for raw in batch {
        let id = serde_json::from_str::<Named>(raw.get())
            .map_err(|_| "I2: a statement without an id")?
            .id;
        let at = model
            .place(id)
            .ok_or_else(|| format!("I2: {id} was sent and never recorded"))?;
        if !model.takes(at, raw.get().as_bytes(), times) {
            return Err(format!("I2: {id} was sent with other bytes than recorded"));
        }
        let known = &model.all[at];
        if known.gone.is_some() && !known.sent {
            return Err(format!("I3: {id} was sent though it is {:?}", known.gone));
        }
        if let Some(content) = known.recipe.content {
            let its = content.octets();
            let mut parts = apart.contents.iter();
            if !parts.any(|part| part.octets == its && raw.get().contains(part.hash)) {
                return Err(format!("I14: {id} was sent without its content"));
            }
        }
        if ids.contains(&id) {
            return Err(format!("I6: {id} is twice in one request"));
        }
        let place = known.place.unwrap_or(at);
        if last.is_some_and(|last| place < last) {
            return Err(format!("I7: {id} is not in capture order"));
        }
        last = Some(place);
        if let Kind::Voiding(target) = known.recipe.kind
            && let Some(target) = model.get(target)
            // A voiding cannot be voided (Data 2.3.2), and two that void each other would wait for ever.
            && !model.was_voiding(target.recipe.id)
            && target.gone.is_none()
            && target.delivered_at.is_none()
        {
            return Err(format!("I7: {id} was sent before its target was delivered"));
        }
        // What the LRS has under the target's id, if anything, is somebody else's.
        if let Kind::Voiding(target) = known.recipe.kind
            && !known.sent
            && !known.retried
            && let Some(target) = model.get(target)
            && at < target.gone_after
            // One that was erased may have left, for all that the device knows after a kill.
            && matches!(target.gone, Some(Gone::Retracted | Gone::Discarded | Gone::Replaced))
        {
            return Err(format!("I7: {id} voids what the app has given up here"));
        }
        ids.push(id);
    }
    Ok(ids)
}
