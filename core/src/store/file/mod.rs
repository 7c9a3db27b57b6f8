//! The queue's file as a file: opening it, its companion files, its write-ahead log, and room for a full disk.

pub(crate) mod beside;
mod elsewhere;
pub(crate) mod failing;
pub(crate) mod folded;
pub(crate) mod folder;
pub(crate) mod identity;
pub(crate) mod kept;
pub(crate) mod kind;
pub(crate) mod names;
pub(crate) mod one_name;
pub(crate) mod open;
pub(crate) mod path;
pub(crate) mod recognised;
pub(crate) mod replace;
pub(crate) mod reserve;
pub(crate) mod schema;
pub(crate) mod seen;
pub(crate) mod settings;
pub(crate) mod user_files;
pub(crate) mod users;
pub(crate) mod wal;
pub(crate) mod wal_length;
