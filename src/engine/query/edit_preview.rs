//! Effects of an edit, counted without making it: at once, or shard by shard beside a running engine.

use crate::engine::clocks::versions::Apply;
use crate::engine::commands::{EditError, Engine, PendingEdit};
use crate::engine::output::CatchUp;
use crate::engine::shard::Context;
use crate::engine::shard::policy_edit::{Edit, Effected, Effects};
use crate::policy::Policy;
use crate::ticket::TicketLabel;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Effects of an edit on the open tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    pub all: Effects,
    pub by_priority: BTreeMap<String, Effects>,
    /// Tickets without a team are under the empty name.
    pub by_team: BTreeMap<String, Effects>,
}

/// A prepared edit, whose effects can be counted shard by shard; see [`Engine::plan`].
#[derive(Debug)]
pub struct Plan {
    edited: PendingEdit,
    apply: Apply,
    catch_up: CatchUp,
    /// The engine's time and its number of versions when the plan was made.
    now_ms: i64,
    versions: usize,
}

impl Preview {
    /// Adds the counts of another shard.
    pub fn merge(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (mine, others) in [(&mut self.by_priority, &other.by_priority), (&mut self.by_team, &other.by_team)] {
            for (name, effects) in others {
                match mine.get_mut(name) {
                    Some(known) => known.add(effects),
                    None => drop(mine.insert(name.clone(), *effects)),
                }
            }
        }
    }
}

impl Engine {
    /// Effects of [`Engine::edit`], counted over every open ticket; changes nothing.
    ///
    /// # Errors
    /// Those of [`Engine::edit`].
    pub fn preview(&self, policy: &Arc<Policy>, apply: Apply, catch_up: CatchUp) -> Result<Preview, EditError> {
        let plan = self.plan(policy, apply, catch_up)?;
        let parts: Result<Vec<Preview>, EditError> =
            (0..self.shards()).into_par_iter().map(|shard| self.preview_shard(&plan, shard)).collect();
        let mut preview = Preview::default();
        parts?.iter().for_each(|part| preview.merge(part));
        Ok(preview)
    }

    /// Prepares an edit, to count its effects with [`Engine::preview_shard`].
    ///
    /// # Errors
    /// Those of [`Engine::edit`].
    pub fn plan(&self, policy: &Arc<Policy>, apply: Apply, catch_up: CatchUp) -> Result<Plan, EditError> {
        let edited = self.edited(policy, apply)?;
        Ok(Plan { edited, apply, catch_up, now_ms: self.now_ms, versions: self.versions.len() })
    }

    /// Effects of a planned edit on the open tickets of a shard, if it were made now. Shards may be counted at different
    /// moments.
    ///
    /// # Errors
    /// [`EditError::Superseded`] if another edit came into force after the plan was made.
    ///
    /// # Panics
    /// If there is no shard with this number.
    pub fn preview_shard(&self, plan: &Plan, shard: u16) -> Result<Preview, EditError> {
        if self.versions.len() != plan.versions {
            return Err(EditError::Superseded);
        }
        let later;
        let mut after = &plan.edited.versions;
        if self.now_ms != plan.now_ms {
            later = after.moved(plan.versions, self.now_ms);
            after = &later;
        }
        let edit = Edit::new(&self.versions, after, plan.apply);
        let context = Context { versions: after, now_ms: self.now_ms, catch_up: plan.catch_up };
        let mut effected = Effected::default();
        self.shards[usize::from(shard)].preview(&context, &edit, &mut effected);
        let mut preview = Preview::default();
        let name = |label: Option<&str>| label.unwrap_or("").to_owned();
        for (priority, effects) in effected.by_priority {
            preview.all.add(&effects);
            preview.by_priority.insert(name(self.labels.symbols[TicketLabel::Priority].label(priority)), effects);
        }
        for (team, effects) in effected.by_team {
            preview.by_team.insert(name(self.labels.symbols[TicketLabel::Team].label(team)), effects);
        }
        Ok(preview)
    }
}
