use super::*;
use crate::cli::common::client::read;
use crate::server::escalations::EscalationPage;
use crate::server::monitoring::forecast::ForecastResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use view::By;

const METRICS: &str = include_str!("tests/metrics.json");
const ESCALATIONS: &str = include_str!("tests/escalations.json");
const FORECAST: &str = include_str!("tests/forecast.json");

fn recorded() -> View {
    let metrics: MetricsResponse = read(METRICS.as_bytes()).unwrap();
    let mut escalations: EscalationPage = read(ESCALATIONS.as_bytes()).unwrap();
    escalations.escalations.reverse();
    let forecast: ForecastResponse = read(FORECAST.as_bytes()).unwrap();
    let page = Page { metrics, forecast, escalations: escalations.escalations };
    View { address: "http://127.0.0.1:8080/".to_owned(), page: Some(page), ..View::default() }
}

fn screen_of(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen::draw(frame, view)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

/// The recorded screens were checked manually before they were stored.
fn compare(name: &str, is: &str, expected: &str) {
    assert!(is == expected, "{name} is now\n{is}\ninstead of\n{expected}");
}

#[test]
fn a_wide_screen_a_narrow_one_and_a_page_of_text() {
    let view = recorded();
    compare("wide", &screen_of(&view, 120, 30), include_str!("tests/wide.txt"));
    compare("narrow", &screen_of(&view, 80, 24), include_str!("tests/narrow.txt"));
    compare("page", &page::text(&view.address, view.page.as_ref().unwrap()), include_str!("tests/page.txt"));
}

#[test]
fn no_size_is_too_small_to_draw() {
    for (width, height) in [(1, 1), (2, 40), (200, 2), (40, 9), (13, 13)] {
        screen_of(&recorded(), width, height);
        screen_of(&View::default(), width, height);
    }
}

#[test]
fn a_service_that_does_not_answer_is_told_plainly() {
    let away = Some((Failure::Unreachable("connection refused".to_owned()), 12));
    let before = screen_of(&View { away: away.clone(), ..View::default() }, 120, 30);
    assert!(before.contains("NO RESPONSE for 12 s: connection refused"), "{before}");
    let after = screen_of(&View { away, ..recorded() }, 160, 30);
    assert!(after.contains("NO RESPONSE for 12 s, data below is old: connection refused"), "{after}");
    assert!(after.contains("1,234 open"), "{after}");
    assert!(screen_of(&View::default(), 120, 30).contains("waiting for the first response"));
}

#[test]
fn keys_turn_scroll_and_quit() {
    let mut view = recorded();
    let mut press = |code, modifiers| {
        let action = view.press(KeyEvent::new(code, modifiers));
        (action, view.by, view.scrolled)
    };
    let none = KeyModifiers::NONE;
    assert_eq!(press(KeyCode::Tab, none), (Action::Redraw, By::Team, 0));
    assert_eq!(press(KeyCode::Down, none), (Action::Redraw, By::Team, 1));
    for _ in 0..9 {
        press(KeyCode::Down, none);
    }
    assert_eq!(press(KeyCode::Up, none), (Action::Redraw, By::Team, 1), "the last row stays on the screen");
    assert_eq!(press(KeyCode::Char('4'), none), (Action::Redraw, By::Category, 0));
    assert_eq!(press(KeyCode::Right, none), (Action::Redraw, By::Priority, 0));
    assert_eq!(press(KeyCode::Left, none), (Action::Redraw, By::Category, 0));
    assert_eq!(press(KeyCode::Char('x'), none).0, Action::Nothing);
    assert_eq!(press(KeyCode::Char('q'), none).0, Action::Quit);
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL).0, Action::Quit);
}

#[test]
fn an_answer_with_less_or_more_than_we_know_is_read() {
    let metrics: MetricsResponse = read(b"{\"totals\":{\"open\":3},\"news\":[1]}").unwrap();
    assert_eq!((metrics.totals.open, metrics.totals.breached, metrics.by_team.len()), (3, 0, 0));
}

#[test]
fn a_day_that_withdrew_more_results_than_it_has_is_shown() {
    let day = "{\"day\":\"2026-11-23T00:00:00.000Z\",\"clock\":\"resolution\",\"met\":-1200,\"missed\":3,\"fired\":-2}";
    let clock = "{\"clock\":\"resolution\",\"running\":0,\"paused\":0,\"at_risk\":0,\"breached\":0,\"met\":0,\"missed\":0,\"fired_by_level\":[]}";
    let text = format!("{{\"days\":[{day}],\"by_clock\":[{clock}]}}");
    let page = Page { metrics: read(text.as_bytes()).unwrap(), ..Page::default() };
    let shown = page::text("", &page);
    let line = shown.lines().find(|line| line.starts_with("resolution")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["resolution", "0", "0", "0", "0", "-1,200", "3", "-"]);
}
