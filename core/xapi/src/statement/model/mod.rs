//! Statements as typed values, for an app that would rather not write JSON.
//!
//! ```
//! use std::time::Duration;
//!
//! use pannier_xapi::statement::model::{XapiActivity, Agent, XapiContext, Score, Statement, XapiResult};
//! use pannier_xapi::statement::vocabulary::{activity_types, verbs};
//!
//! let statement = Statement::new(
//!     Agent::mbox("mailto:ada@example.com").name("Ada"),
//!     verbs::COMPLETED,
//!     XapiActivity::new("https://example.com/videos/leadership-basics")
//!         .name("en", "Leadership Basics")
//!         .activity_type(activity_types::VIDEO),
//! )
//! .result(
//!     XapiResult::new()
//!         .completion(true)
//!         .duration(Duration::from_mins(12))
//!         .score(Score::scaled(0.8)),
//! )
//! .context(
//!     XapiContext::new()
//!         .parent(XapiActivity::new("https://example.com/courses/leadership"))
//!         .platform("Example Trainer 3.1"),
//! );
//!
//! let json: serde_json::Value = serde_json::from_str(&statement.to_json())?;
//! assert_eq!(json["result"]["duration"], "PT12M");
//! assert_eq!(json["object"]["definition"]["name"]["en"], "Leadership Basics");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! The following holds for every type here:
//!
//! - It is plain data with public fields; the builders only spare typing. Fields and builders have
//!   the standard's names, so xAPI 1.0.3, Data (section 2) is the reference for their meaning.
//! - It never validates. [`Statement::to_json`] writes the JSON text, and that text goes through the
//!   same [`prepare`](crate::statement::prepare) as text an app wrote itself: there is one
//!   validator, and a typed statement that is wrong comes back with the same faults.
//! - Whatever is absent or empty is left out. `objectType` is written everywhere but on an
//!   [`XapiActivity`], which is what its absence means.
//! - [`Statement::from_json`] reads JSON text back. What no field can hold is a fault with its path, and never
//!   left out; so what is written again is the same statement by [`compare`](crate::statement::compare).
//! - What only an LRS sets (`stored`, `authority`, `version`) has no field.

mod activity;
mod actor;
mod attachment;
mod context;
mod context_activities;
mod definition;
mod ifi;
mod interaction;
mod maps;
mod object;
pub(crate) mod reading;
mod result;
mod statement;
mod templates;
mod verb;
mod written;

pub use activity::XapiActivity;
pub use actor::{Actor, Agent, XapiGroup};
pub use attachment::Attachment;
pub use context::{ContextAgent, ContextGroup, XapiContext};
pub use context_activities::ContextActivities;
pub use definition::ActivityDefinition;
pub use ifi::{Ifi, XapiAccount};
pub use interaction::{InteractionComponent, InteractionType};
pub use maps::{Extensions, LanguageMap};
pub use object::{StatementObject, StatementRef};
pub use result::{Score, XapiResult};
pub use statement::{Statement, SubStatement};
pub use verb::Verb;
