use crate::calendar::Calendar;
pub fn run(_: &Calendar, _: Option<&str>) -> anyhow::Result<()> {
    Ok(())
}
