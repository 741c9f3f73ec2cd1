use crate::calendar::Calendar;
pub fn run(_: &Calendar, _: &str, _: crate::calendar::Span) -> anyhow::Result<()> {
    Ok(())
}
