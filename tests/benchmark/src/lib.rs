//! What the bench and the budgets share: statements as apps make them.

pub mod data;
