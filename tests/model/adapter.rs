//! The engine, told and heard in the model's words. The only place that knows the engine's names.

use super::run::{Command, run_model};
use super::{Model, Output};
use overdue::policy::Policy;
use std::sync::Arc;

pub struct Subject(Model);

impl Subject {
    pub fn new(policy: Arc<Policy>, _shards: usize) -> Subject {
        Subject(Model::new(policy))
    }
    pub fn run(&mut self, command: &Command) -> Output {
        run_model(&mut self.0, command)
    }
    pub fn differs_from(&self, _model: &Model) -> Option<String> {
        None
    }
}
