//! The table.

/// A line: what was measured, the figure, the yardstick beside it, the goal.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) beside: String,
    pub(crate) ratio: String,
    pub(crate) goal: String,
}

/// Prints the lines as a Markdown table.
pub(crate) fn print(lines: &[Line]) {
    println!("| what | measured | beside | ratio | goal |");
    println!("|---|---|---|---|---|");
    for line in lines {
        println!("| {} | {} | {} | {} | {} |", line.what, line.figure, line.beside, line.ratio, line.goal);
    }
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
