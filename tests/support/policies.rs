//! The policy of tests to which opening hours and priorities do not matter.

/// One priority, `normal`, around the clock. Each clock has a name and its fields, in TOML.
pub fn around_the_clock(clocks: &[(&str, &str)]) -> String {
    let mut policy = "default_priority = \"normal\"\n[calendars.always]\nhours = \"24x7\"\n\
                      [priorities.normal]\ncalendar = \"always\"\n"
        .to_owned();
    for (name, fields) in clocks {
        policy += &format!("[priorities.normal.clocks.{name}]\n{fields}\n");
    }
    policy
}
