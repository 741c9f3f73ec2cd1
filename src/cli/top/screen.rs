//! The screen, drawn from a [`View`]: totals on top, then counts and clocks, then the latest escalations and the hours ahead,
//! and the status of the service at the bottom. Colours only emphasize what the text says.

use super::model::{Page, what, whom};
use super::view::{By, View};
use crate::replay::grouped;
use crate::server::escalations::response::EscalationResponse;
use crate::server::monitoring::forecast::ForecastHour;
use crate::server::monitoring::metrics::{ClockCounts, Compliance, EngineGauges, MetricsResponse};
use crate::server::params::timestamp::Timestamp;
use crate::store::record::RecordKind;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table};

const KEYS: &str = "q quit   ←/→ or 1-4 count by   ↑/↓ scroll";

/// The column that is not a number.
const LEVELS: &str = "fired by level";

/// A column of counts.
const NUMBER: Constraint = Constraint::Length(8);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let [head, totals, middle, lower, service, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Fill(3),
        Constraint::Fill(3),
        Constraint::Length(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head_line(view)), head);
    frame.render_widget(Line::from(KEYS).dim(), keys);
    let Some(page) = &view.page else { return };
    draw_totals(frame, totals, &page.metrics);
    let share_of_clocks = if frame.area().width < 100 { 2 } else { 3 };
    let [counts, clocks] =
        Layout::horizontal([Constraint::Fill(2), Constraint::Fill(share_of_clocks)]).spacing(2).areas(middle);
    draw_counts(frame, counts, view, page);
    draw_clocks(frame, clocks, &page.metrics);
    let [latest, ahead] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(30)]).spacing(2).areas(lower);
    draw_latest(frame, latest, &page.escalations);
    draw_ahead(frame, ahead, &page.forecast.hours);
    draw_service(frame, service, &page.metrics.engine);
}

fn head_line(view: &View) -> Line<'static> {
    let mut line = vec![Span::from("overdue ").bold(), Span::from(view.address.clone())];
    if let Some(page) = &view.page {
        line.push(Span::from(format!("   {}   policy version {}", page.metrics.as_of, page.metrics.policy_version)));
    }
    match (&view.away, &view.page) {
        (Some((failure, seconds)), page) => {
            let old = if page.is_some() { ", data below is old" } else { "" };
            let message = format!("   NO RESPONSE for {seconds} s{old}: {failure}");
            line.push(Span::from(message).fg(Color::Red).add_modifier(Modifier::BOLD));
        }
        (None, None) => line.push(Span::from("   waiting for the first response")),
        (None, Some(_)) => {}
    }
    Line::from(line)
}

fn draw_totals(frame: &mut Frame<'_>, area: Rect, metrics: &MetricsResponse) {
    let totals = metrics.totals;
    let number = |count: u64, what: &'static str, alarm: Option<Color>| {
        let style = alarm.filter(|_| count > 0).map_or(Style::new(), |colour| Style::new().fg(colour));
        [Span::styled(grouped(count), style.add_modifier(Modifier::BOLD)), Span::from(format!(" {what}   "))]
    };
    let first = [
        number(totals.open, "open", None),
        number(totals.waiting, "waiting", None),
        number(totals.at_risk, "at risk", Some(Color::Yellow)),
        number(totals.breached, "breached", Some(Color::Red)),
    ];
    let mut lines = vec![Line::from(first.concat())];
    if let Compliance { met, missed, .. } = metrics.compliance_today
        && met + missed > 0
    {
        lines[0].push_span(Span::from(format!("{} % in time today", share(met, missed))));
    }
    if let Some(oldest) = &metrics.oldest_open {
        lines.push(Line::from(format!("oldest open: {} of {}", oldest.id, oldest.opened_at)).dim());
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_counts(frame: &mut Frame<'_>, area: Rect, view: &View, page: &Page) {
    let tabs: Vec<Span<'_>> = By::ALL
        .into_iter()
        .flat_map(|by| {
            let name = by.name();
            let name =
                if by == view.by { Span::from(format!("[{name}]")).bold() } else { Span::from(format!(" {name} ")) };
            [name, Span::from("─")]
        })
        .collect();
    let rows = view.by.rows(page).iter().skip(view.scrolled).map(|named| {
        let tally = named.counts;
        let alarm = if tally.breached > 0 { Style::new().fg(Color::Red) } else { Style::new() };
        let name = if named.name.is_empty() { "(none)" } else { &named.name };
        Row::new([
            Cell::from(name.to_owned()),
            number(tally.open),
            number(tally.at_risk),
            number(tally.breached).style(alarm),
        ])
    });
    let widths = [Constraint::Fill(1), NUMBER, NUMBER, NUMBER];
    let table = Table::new(rows, widths).header(header(&["", "open", "at risk", "breached"]));
    frame.render_widget(table.block(titled(Line::from(tabs))), area);
}

fn draw_clocks(frame: &mut Frame<'_>, area: Rect, metrics: &MetricsResponse) {
    let title =
        metrics.days.first().map_or_else(|| " clocks ".to_owned(), |day| format!(" clocks, {} ", date(day.day)));
    // A narrow screen shows what calls for action, and leaves out the rest.
    let is_wide = area.width >= 60;
    let rows = metrics.by_clock.iter().map(|clock| {
        let (met, missed) = today(metrics, clock);
        let mut cells = vec![Cell::from(clock.clock.clone()), number(clock.at_risk), number(clock.breached)];
        cells.push(right(share(met, missed)));
        if is_wide {
            cells.insert(1, number(clock.running));
            cells.push(Cell::from(fired_by_level(clock)));
        }
        Row::new(cells)
    });
    let number = Constraint::Length(8);
    let mut widths = vec![Constraint::Fill(1), number, number, Constraint::Length(5)];
    let mut names = vec!["", "at risk", "breached", "met %"];
    if is_wide {
        widths.insert(1, number);
        widths.push(Constraint::Fill(1));
        names.insert(1, "running");
        names.push(LEVELS);
    }
    frame.render_widget(Table::new(rows, widths).header(header(&names)).block(titled(Line::from(title))), area);
}

/// Cycles of a clock that ended on the newest day: met, missed.
pub(super) fn today(metrics: &MetricsResponse, clock: &ClockCounts) -> (i64, i64) {
    let newest = metrics.days.first().map(|day| day.day);
    let of_clock = metrics.days.iter().filter(|day| Some(day.day) == newest && day.clock == clock.clock);
    of_clock.fold((0, 0), |(met, missed), day| (met + day.compliance.met, missed + day.compliance.missed))
}

/// In percent; `-` for none, and for a day that withdrew more results than it has.
pub(super) fn share(met: i64, missed: i64) -> String {
    let of = met + missed;
    if met < 0 || missed < 0 || of == 0 { "-".to_owned() } else { format!("{:.1}", met as f64 * 100.0 / of as f64) }
}

/// A count with its sign and thousands.
pub(super) fn signed(count: i64) -> String {
    format!("{}{}", if count < 0 { "-" } else { "" }, grouped(count.unsigned_abs()))
}

/// How often each level fired, from the first one to the last that did.
pub(super) fn fired_by_level(clock: &ClockCounts) -> String {
    let used = clock.fired_by_level.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    clock.fired_by_level[..used].iter().map(|count| grouped(*count)).collect::<Vec<_>>().join(" ")
}

fn draw_latest(frame: &mut Frame<'_>, area: Rect, escalations: &[EscalationResponse]) {
    let rows = escalations.iter().map(|escalation| {
        let colour = match (escalation.kind, escalation.level) {
            (RecordKind::Withdrawn, _) => Color::DarkGray,
            (_, 0 | 1) => Color::Reset,
            (_, 2) => Color::Yellow,
            _ => Color::Red,
        };
        let cells = [
            clock_time(escalation.fired_at),
            escalation.ticket.clone(),
            escalation.priority.clone().unwrap_or_default(),
            what(escalation),
            whom(escalation),
        ];
        Row::new(cells).style(Style::new().fg(colour))
    });
    let widths = [
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Length(9),
        Constraint::Length(20),
        Constraint::Fill(1),
    ];
    frame.render_widget(Table::new(rows, widths).block(titled(Line::from(" latest escalations "))), area);
}

fn draw_ahead(frame: &mut Frame<'_>, area: Rect, hours: &[ForecastHour]) {
    let most = hours.iter().map(|hour| hour.levels).max().unwrap_or(0).max(1);
    let rows = hours.iter().map(|hour| {
        let bar = "█".repeat((hour.levels * 10).div_ceil(most) as usize);
        Row::new([Cell::from(clock_time(hour.hour)), number(hour.deadlines), number(hour.levels), Cell::from(bar)])
    });
    let widths = [Constraint::Length(5), Constraint::Length(6), Constraint::Length(6), Constraint::Length(10)];
    let table = Table::new(rows, widths).header(header(&["hour", "due", "levels", ""]));
    frame.render_widget(table.block(titled(Line::from(" hours ahead "))), area);
}

fn draw_service(frame: &mut Frame<'_>, area: Rect, gauges: &EngineGauges) {
    let alarm = |message: String, is_bad: bool| {
        if is_bad { Span::from(message).fg(Color::Red).add_modifier(Modifier::BOLD) } else { Span::from(message) }
    };
    let first = Line::from(vec![
        alarm(format!("lag {:.1} s   ", gauges.lag_ms as f64 / 1_000.0), gauges.lag_ms > 5_000),
        alarm(format!("due, not fired {}   ", grouped(gauges.due_not_fired)), gauges.due_not_fired > 0),
        alarm(
            format!("queue {} of {}   ", gauges.queue, gauges.queue_capacity),
            gauges.queue * 2 > gauges.queue_capacity,
        ),
        Span::from(format!("sync {:.2} ms on average   ", gauges.sync_mean_seconds.unwrap_or_default() * 1_000.0)),
        alarm((if gauges.disk_full { "DISK FULL" } else { "" }).to_owned(), gauges.disk_full),
    ]);
    let snapshot = gauges.last_snapshot_at.map_or_else(|| "none yet".to_owned(), |at| at.to_string());
    let second = Line::from(format!(
        "rows {} accepted, {} rejected   journal {} MiB   last snapshot {snapshot}",
        grouped(gauges.rows_accepted),
        grouped(gauges.rows_rejected),
        grouped(gauges.journal_bytes >> 20),
    ));
    frame.render_widget(Paragraph::new(vec![first, second]).block(titled(Line::from(" service "))), area);
}

/// The time of day (UTC).
pub(super) fn clock_time(at: Timestamp) -> String {
    at.to_string()[11..19].to_owned()
}

/// The date (UTC).
fn date(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

fn titled(title: Line<'_>) -> Block<'_> {
    Block::new().borders(Borders::TOP).title(title)
}

fn header(names: &[&'static str]) -> Row<'static> {
    let name = |(index, name): (usize, &&'static str)| {
        if index == 0 || *name == LEVELS { Cell::from(*name) } else { right(*name) }
    };
    Row::new(names.iter().enumerate().map(name)).dim()
}

fn number(count: u64) -> Cell<'static> {
    right(grouped(count))
}

fn right(text: impl Into<Line<'static>>) -> Cell<'static> {
    Cell::from(text.into().alignment(Alignment::Right))
}
