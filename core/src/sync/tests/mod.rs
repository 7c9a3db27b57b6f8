//! The session against a scripted LRS, in virtual time.

mod blame;
mod contents;
mod contents_at_random;
mod delivery;
mod device;
mod in_flight;
mod judge;
mod lrs;
mod other_reasons;
mod simulated;
mod taking_back;
mod time;
mod upstream;
