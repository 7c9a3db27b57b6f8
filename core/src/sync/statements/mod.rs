//! A session's work on statements: tasks, requests in flight, and the consequences of their answers.

pub(crate) mod at_work;
pub(crate) mod in_flight;
pub(crate) mod next_task;
pub(crate) mod on_lookup;
pub(crate) mod on_post;
pub(crate) mod refused_alone;
pub(crate) mod suspects;
pub(crate) mod task;
pub(crate) mod with_contents;
