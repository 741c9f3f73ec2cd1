//! The user's choices and the latest data of the service: everything that a screen is drawn from.

use super::model::Page;
use crate::cli::common::client::Failure;
use crate::server::monitoring::metrics::NamedCounts;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Grouping of the open tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum By {
    #[default]
    Priority,
    Team,
    Channel,
    Category,
}

impl By {
    pub(super) const ALL: [By; 4] = [Self::Priority, Self::Team, Self::Channel, Self::Category];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Team => "team",
            Self::Channel => "channel",
            Self::Category => "category",
        }
    }

    pub(super) fn rows(self, page: &Page) -> &[NamedCounts] {
        match self {
            Self::Priority => &page.metrics.by_priority,
            Self::Team => &page.metrics.by_team,
            Self::Channel => &page.metrics.by_channel,
            Self::Category => &page.metrics.by_category,
        }
    }

    fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// The action of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Redraw,
    Nothing,
}

/// The state of the screen.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub address: String,
    pub page: Option<Page>,
    /// Why there is no newer page, and for how many seconds.
    pub away: Option<(Failure, u64)>,
    pub by: By,
    /// Rows of the counts scrolled above the screen.
    pub scrolled: usize,
}

impl View {
    /// Handles a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Action {
        let rows = self.page.as_ref().map_or(0, |page| self.by.rows(page).len());
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Action::Quit,
            KeyCode::Char('q') | KeyCode::Esc => return Action::Quit,
            KeyCode::Tab | KeyCode::Right => self.turn_to(self.by.step(1)),
            KeyCode::BackTab | KeyCode::Left => self.turn_to(self.by.step(By::ALL.len() - 1)),
            KeyCode::Char(digit @ '1'..='4') => self.turn_to(By::ALL[digit as usize - '1' as usize]),
            KeyCode::Down => self.scrolled = (self.scrolled + 1).min(rows.saturating_sub(1)),
            KeyCode::Up => self.scrolled = self.scrolled.saturating_sub(1),
            KeyCode::Home => self.scrolled = 0,
            _ => return Action::Nothing,
        }
        Action::Redraw
    }

    fn turn_to(&mut self, by: By) {
        self.by = by;
        self.scrolled = 0;
    }
}
