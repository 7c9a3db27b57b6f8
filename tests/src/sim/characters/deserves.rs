//! What an LRS of a character may be said to have, and for what it may have a statement held.

use pannier::store::HoldReason;

use crate::sim::lrs::Lrs;
use crate::sim::lrs::character::{Invalid, Poison, TooLarge, Voiding};
use crate::sim::model::{Known, Model};
use crate::sim::statement::Kind;

/// The LRS has another statement under its id, and lets ours pass for it without a word.
pub fn passes_for(known: &Known, lrs: &Lrs) -> bool {
    known.recipe.kind == Kind::Near && lrs.character.drops_changes
}

/// May this LRS have it held for this reason?
pub fn deserves(known: &Known, reason: HoldReason, lrs: &Lrs, model: &Model) -> bool {
    let character = &lrs.character;
    let too_large = known.body.len() > lrs.max_bytes;
    let id = known.recipe.id;
    // An LRS that has it twice cannot show it any more.
    if model.excused.contains(&id) || lrs.stored.get(&id).is_some_and(|one| one.copies > 1) {
        return true;
    }
    match reason {
        HoldReason::Refused => {
            (known.recipe.kind == Kind::Bad && character.invalid != Invalid::Swallows)
                || (too_large && character.too_large == TooLarge::Says400)
                || (character.voiding == Voiding::Once
                    && matches!(known.recipe.kind, Kind::Voiding(target)
                        if lrs.voided.contains(&target) || lrs.lost_voided.contains(&target)))
        }
        HoldReason::Forbidden => {
            lrs.forbids_voiding && matches!(known.recipe.kind, Kind::Voiding(_))
        }
        HoldReason::Conflict | HoldReason::ConflictUnseen => {
            matches!(known.recipe.kind, Kind::Conflict | Kind::Near)
                // It keeps less of it than was sent.
                || (character.rewrites.drops_unknown && known.recipe.kind == Kind::Modern)
        }
        HoldReason::TooLarge => too_large && character.too_large == TooLarge::Says413,
        HoldReason::ServerError => {
            known.recipe.kind == Kind::Poison && character.poison != Poison::Takes
        }
        // Here no statement has contents, the simulated disk spoils nothing, and what the app gives up the LRS says nothing of.
        HoldReason::ContentMissing | HoldReason::Damaged | HoldReason::TargetGivenUp => false,
    }
}
