//! The report as PDF, for boards that want paper: text, rules and bars on A4, with the fonts every reader has. Written by
//! hand in the plain form of PDF 1.4; nothing of it needs a library.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Assessment, worst_first};
use crate::finding::Severity;
use crate::judge::table;
use crate::plan::{self, Interview, SystemPlan};

const WIDTH: f64 = 595.0;
const HEIGHT: f64 = 842.0;
const MARGIN: f64 = 56.0;

/// Pages under construction.
struct Pages {
    done: Vec<String>,
    current: String,
    y: f64,
}

/// Widths of Helvetica in thousandths, from the blank to `~`.
const HELVETICA: &[u16] = &[
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Text in the encoding of the fonts (WinAnsi); what it has not becomes a question mark.
fn encode(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| match c {
            '–' => 0x96,
            '—' => 0x97,
            '…' => 0x85,
            '•' => 0x95,
            '’' => 0x92,
            ' '..='~' => u8::try_from(c).unwrap_or(b'?'),
            '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(c)).unwrap_or(b'?'),
            _ => b'?',
        })
        .collect()
}

/// Width of text at a size.
fn width(text: &[u8], size: f64) -> f64 {
    text.iter()
        .map(|byte| {
            let known = usize::from(*byte)
                .checked_sub(32)
                .and_then(|at| HELVETICA.get(at));
            f64::from(known.copied().unwrap_or(556)) / 1000.0 * size
        })
        .sum()
}

/// A string of PDF.
fn literal(text: &[u8]) -> String {
    let mut out = String::from("(");
    for byte in text {
        match byte {
            b'(' | b')' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            other => {
                let _ = write!(out, "\\{other:03o}");
            }
        }
    }
    out.push(')');
    out
}

impl Pages {
    fn new() -> Self {
        Self {
            done: Vec::new(),
            current: String::new(),
            y: HEIGHT - MARGIN,
        }
    }

    /// Goes to a new page if so much height is not left.
    fn need(&mut self, height: f64) {
        if self.y - height < MARGIN {
            self.done.push(std::mem::take(&mut self.current));
            self.y = HEIGHT - MARGIN;
        }
    }

    /// Wrapped text; bold or not.
    fn text(&mut self, text: &str, size: f64, bold: bool, indent: f64) {
        let most = WIDTH - 2.0 * MARGIN - indent;
        let mut line: Vec<u8> = Vec::new();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for word in text.split_whitespace() {
            let mut word = encode(word);
            // a word longer than a line (a path) is cut
            while width(&word, size) > most {
                let mut cut = word.len();
                while cut > 1 && width(word.get(..cut).unwrap_or_default(), size) > most {
                    cut -= 1;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                let rest = word.split_off(cut);
                lines.push(std::mem::replace(&mut word, rest));
            }
            let mut longer = line.clone();
            if !longer.is_empty() {
                longer.push(b' ');
            }
            longer.extend_from_slice(&word);
            if width(&longer, size * if bold { 1.06 } else { 1.0 }) > most && !line.is_empty() {
                lines.push(std::mem::replace(&mut line, word));
            } else {
                line = longer;
            }
        }
        lines.push(line);
        for line in lines {
            self.need(size * 1.35);
            self.y -= size * 1.35;
            let font = if bold { "F2" } else { "F1" };
            let _ = writeln!(
                self.current,
                "BT /{font} {size} Tf {:.1} {:.1} Td {} Tj ET",
                MARGIN + indent,
                self.y,
                literal(&line)
            );
        }
    }

    fn heading(&mut self, text: &str) {
        self.need(60.0);
        self.y -= 14.0;
        self.text(text, 14.0, true, 0.0);
        self.y -= 4.0;
        let _ = writeln!(
            self.current,
            "0.7 G {MARGIN} {:.1} m {:.1} {:.1} l S 0 G",
            self.y,
            WIDTH - MARGIN,
            self.y
        );
        self.y -= 4.0;
    }

    /// A labelled bar.
    fn bar(&mut self, name: &str, count: usize, most: usize) {
        self.need(16.0);
        self.y -= 15.0;
        #[expect(clippy::cast_precision_loss, reason = "a length on paper")]
        let length = (count as f64 / most.max(1) as f64 * 250.0).max(1.0);
        let short: String = name.chars().take(34).collect();
        let _ = writeln!(
            self.current,
            "BT /F1 9 Tf {MARGIN} {:.1} Td {} Tj ET 0.18 0.44 0.62 rg {:.1} {:.1} {length:.1} 8 re f 0 g BT /F1 9 Tf {:.1} {:.1} Td {} Tj ET",
            self.y,
            literal(&encode(&short)),
            MARGIN + 170.0,
            self.y,
            MARGIN + 176.0 + length,
            self.y,
            literal(&encode(&count.to_string()))
        );
    }

    /// The file.
    fn finish(mut self) -> Vec<u8> {
        self.done.push(std::mem::take(&mut self.current));
        let count = self.done.len();
        let mut objects: Vec<String> = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!(
                "<< /Type /Pages /Count {count} /Kids [{}] >>",
                (0..count)
                    .map(|page| format!("{} 0 R", 5 + page * 2))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
        for (index, content) in self.done.iter().enumerate() {
            let footer = format!(
                "{content}BT /F1 8 Tf 0.4 g {MARGIN} 32 Td {} Tj 0 g ET\n",
                literal(&encode(&format!(
                    "Cryptography assessment, page {} of {count}",
                    index + 1
                )))
            );
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {} 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
                6 + index * 2
            ));
            objects.push(format!(
                "<< /Length {} >>\nstream\n{footer}endstream",
                footer.len()
            ));
        }
        let mut out = b"%PDF-1.4\n".to_vec();
        let mut places = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            places.push(out.len());
            out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
        }
        let start = out.len();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for place in places {
            let _ = writeln!(table, "{place:010} 00000 n ");
        }
        let _ = write!(
            table,
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
            objects.len() + 1
        );
        out.extend_from_slice(table.as_bytes());
        out
    }
}

/// The document.
#[expect(
    clippy::too_many_lines,
    reason = "one document, written from its first page to its last"
)]
pub fn document(assessment: &Assessment, interview: Option<&Interview>) -> Vec<u8> {
    let mut pages = Pages::new();
    pages.text("Cryptography assessment", 22.0, true, 0.0);
    pages.y -= 6.0;
    pages.text(
        &format!("Targets: {}", assessment.targets.join(" ")),
        10.0,
        false,
        0.0,
    );
    pages.text(
        &format!(
            "Judged for {} with {}; approval table of {}.",
            assessment.judged_for,
            assessment.tool,
            table::AS_OF
        ),
        9.0,
        false,
        0.0,
    );
    let summary = &assessment.summary;
    pages.heading("Summary");
    let severity = |name: &str| summary.by_severity.get(name).copied().unwrap_or(0);
    for line in [
        format!(
            "{} cryptographic assets and settings were found.",
            summary.findings
        ),
        format!(
            "Worst issue: critical {}, high {}, medium {}, low {}.",
            severity("critical"),
            severity("high"),
            severity("medium"),
            severity("low")
        ),
        format!(
            "A large quantum computer breaks {}; {} resist it.",
            summary.quantum_vulnerable, summary.quantum_safe
        ),
    ] {
        pages.text(&line, 11.0, false, 0.0);
    }
    bars(&mut pages, "What was found", &summary.by_kind);
    risks(&mut pages, assessment);
    let none = Interview::default();
    for plan in plan::plans(
        interview.unwrap_or(&none),
        &assessment.findings,
        &assessment.judged_for,
    ) {
        system(&mut pages, &plan);
    }
    pages.heading("Dates that apply");
    for milestone in table::milestones(&assessment.judged_for) {
        pages.text(
            &format!("{}  {}", milestone.date, milestone.name),
            10.0,
            true,
            0.0,
        );
        pages.text(
            &format!("{} ({})", milestone.applies, milestone.source),
            9.0,
            false,
            12.0,
        );
    }
    pages.heading("What was read, and what was not");
    let coverage = &assessment.coverage;
    pages.text(
        &format!(
            "{} files ({} bytes), {} archive members, {} directories; {} links not followed.",
            coverage.files_read,
            coverage.bytes_read,
            coverage.members_read,
            coverage.directories,
            coverage.symlinks
        ),
        10.0,
        false,
        0.0,
    );
    for (reason, count) in &coverage.gap_counts {
        pages.text(&format!("{reason}: {count}"), 10.0, false, 12.0);
    }
    pages.finish()
}

fn bars(pages: &mut Pages, title: &str, counts: &BTreeMap<String, usize>) {
    pages.heading(title);
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = sorted.first().map_or(1, |(_, count)| **count);
    for (name, count) in sorted.into_iter().take(12) {
        pages.bar(name, *count, most);
    }
}

fn risks(pages: &mut Pages, assessment: &Assessment) {
    pages.heading("Top risks");
    for finding in worst_first(&assessment.findings).into_iter().take(20) {
        pages.need(50.0);
        pages.y -= 4.0;
        let severity = finding.worst().map_or("info", Severity::as_str);
        pages.text(
            &format!("{}: {}", severity.to_uppercase(), finding.evidence),
            10.0,
            true,
            0.0,
        );
        pages.text(
            &format!("{}  ({})", finding.location.full_path(), finding.id),
            8.5,
            false,
            12.0,
        );
        for issue in finding
            .issues
            .iter()
            .filter(|issue| issue.severity > Severity::Info)
        {
            pages.text(
                &format!("• {} ({})", issue.message, issue.source),
                9.0,
                false,
                12.0,
            );
        }
    }
}

fn system(pages: &mut Pages, plan: &SystemPlan) {
    if plan.name.is_empty() {
        pages.heading("Roadmap for what no system claims");
    } else {
        pages.heading(&plan.name);
        pages.text(
            &format!(
                "Owner: {}. Data: {}. {} findings.",
                plan.owner,
                plan.data.join(", "),
                plan.findings
            ),
            10.0,
            false,
            0.0,
        );
    }
    if let Some(required) = &plan.required {
        pages.text(
            &format!(
                "Required module: FIPS 140 level {}; today: level {}.",
                required.level, plan.module_level
            ),
            11.0,
            true,
            0.0,
        );
        for reason in &required.reasons {
            pages.text(
                &format!("• {} ({}, {})", reason.text, reason.basis, reason.source),
                9.0,
                false,
                12.0,
            );
        }
        for stage in &plan.stages {
            pages.text(&format!("{}: {}", stage.stage, stage.gap), 10.0, true, 0.0);
            pages.text(&stage.required, 9.0, false, 12.0);
        }
    }
    for step in &plan.steps {
        pages.need(40.0);
        pages.y -= 3.0;
        pages.text(&format!("By {}: {}", step.by, step.action), 10.0, true, 0.0);
        pages.text(
            &format!(
                "{}, {} findings, {}, effort: {}",
                step.rule,
                step.findings,
                step.severity.as_str(),
                step.effort
            ),
            9.0,
            false,
            12.0,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_and_foreign_letters_cannot_break_a_string() {
        assert_eq!(literal(&encode("a(b)\\c")), "(a\\(b\\)\\\\c)");
        assert_eq!(literal(&encode("ü日")), "(\\374?)");
    }

    #[test]
    fn every_object_stands_where_the_table_says() {
        let mut pages = Pages::new();
        for _ in 0..300 {
            pages.text("a line of text that is long enough to be wrapped somewhere before its end, and /a/very/long/path/without/a/blank/in/it/that/does/not/fit/on/one/line/of/the/page", 10.0, false, 0.0);
        }
        let file = pages.finish();
        let text = String::from_utf8(file.clone()).expect("ASCII");
        let table = text
            .rsplit("startxref\n")
            .next()
            .and_then(|rest| rest.lines().next())
            .and_then(|at| at.parse::<usize>().ok())
            .expect("a number");
        assert!(
            text.get(table..)
                .is_some_and(|rest| rest.starts_with("xref"))
        );
        for (index, line) in text
            .get(table..)
            .expect("table")
            .lines()
            .skip(3)
            .take_while(|line| line.ends_with("n "))
            .enumerate()
        {
            let at: usize = line
                .get(..10)
                .and_then(|at| at.parse().ok())
                .expect("offset");
            assert!(
                text.get(at..)
                    .is_some_and(|rest| rest.starts_with(&format!("{} 0 obj", index + 1)))
            );
        }
    }
}
