//! The table.

use crate::scenarios::Measured;

/// A line: what was measured, the figure, the yardstick beside it, the goal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) beside: String,
    pub(crate) ratio: String,
    pub(crate) goal: String,
}

impl Line {
    /// A figure by itself.
    pub(crate) fn alone(what: String, figure: String) -> Self {
        Self { what, figure, ..Self::default() }
    }

    /// A load beside a rate that is called so.
    pub(crate) fn beside(what: String, measured: &Measured, yardstick: f64, name: &str, goal: &str) -> Self {
        Self {
            what,
            figure: figure(measured),
            beside: format!("{name} {}/s", number(yardstick)),
            ratio: format!("{:.2}", measured.rate() / yardstick),
            goal: goal.to_owned(),
        }
    }

    /// A load where the store is large beside the same where it is small: how much dearer a request became.
    pub(crate) fn growth(what: &str, large: (usize, &Measured), small: (usize, &Measured)) -> Self {
        let cpu = |measured: &Measured| measured.cpu_us() + measured.database_us();
        Self {
            what: format!("{what}, {} users", number(large.0 as f64)),
            figure: figure(large.1),
            beside: format!("{} users: {}", number(small.0 as f64), figure(small.1)),
            ratio: format!("{:.2} CPU, {:.2} time", cpu(large.1) / cpu(small.1), small.1.rate() / large.1.rate()),
            goal: "at most 1.5".to_owned(),
        }
    }
}

/// What a load did, in one cell.
pub(crate) fn figure(measured: &Measured) -> String {
    let database = match measured.database_us() {
        0.0 => String::new(),
        us => format!(" + {us:.1} us in the database"),
    };
    format!(
        "{}/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} us CPU{database}",
        number(measured.rate()),
        measured.outcome.within_us(0.5) / 1000.0,
        measured.outcome.within_us(0.99) / 1000.0,
        measured.cpu_us()
    )
}

/// Prints the lines as a Markdown table.
pub(crate) fn print(title: &str, lines: &[Line]) {
    println!("{title}\n");
    println!("| what | measured | beside | ratio | goal |");
    println!("|---|---|---|---|---|");
    for line in lines {
        println!("| {} | {} | {} | {} | {} |", line.what, line.figure, line.beside, line.ratio, line.goal);
    }
    println!();
}

/// A number as people read it.
pub(crate) fn number(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
