//! The statements: taken in, sent, settled, listed and erased.

pub(crate) mod again;
pub(crate) mod app_changes;
pub(crate) mod append;
pub(crate) mod aside;
pub(crate) mod balance;
pub(crate) mod body;
pub(crate) mod checksum;
pub(crate) mod conditions;
pub(crate) mod departure;
pub(crate) mod done_with;
pub(crate) mod end;
pub(crate) mod erase;
pub(crate) mod flags;
pub(crate) mod given_up_ids;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod ledger;
pub(crate) mod listing;
pub(crate) mod locate;
pub(crate) mod next_batch;
pub(crate) mod queued_row;
pub(crate) mod seal;
pub(crate) mod settle;
pub(crate) mod spoilt;
pub(crate) mod voidings;
pub(crate) mod walk;
