//! Repair of a file that is damaged, or older than it was: what can be had of it, and the report of the rest.

pub(crate) mod catch_up;
pub(crate) mod held_voidings;
mod leaf;
pub(crate) mod loss;
pub(crate) mod older_copy;
pub(crate) mod page_row;
pub(crate) mod pages;
mod places;
pub(crate) mod raw_file;
pub(crate) mod salvage;
pub(crate) mod salvage_report;
pub(crate) mod saving;
pub(crate) mod survey;
pub(crate) mod upstream_map;
pub(crate) mod wal_frames;
