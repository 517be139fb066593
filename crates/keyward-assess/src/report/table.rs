//! CSV for spreadsheets (RFC 4180), safe against formula injection.

use super::Assessment;
use crate::finding::Severity;

/// The whole table.
pub fn csv(assessment: &Assessment) -> String {
    let mut out = String::from(
        "id,kind,format,path,offset,line,algorithm,strength,quantum_vulnerable,status,confidence,severity,issues,fingerprint,evidence\r\n",
    );
    for finding in &assessment.findings {
        let issues: Vec<String> = finding
            .issues
            .iter()
            .map(|issue| format!("{}: {}", issue.rule, issue.message))
            .collect();
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let cells = [
            finding.id.clone(),
            finding.kind.as_str().to_owned(),
            finding.format.clone(),
            finding.location.full_path(),
            number(finding.location.offset),
            number(finding.location.line.map(u64::from)),
            finding
                .algorithm
                .as_ref()
                .map(crate::finding::Algorithm::display)
                .unwrap_or_default(),
            number(finding.strength.map(u64::from)),
            finding
                .quantum_vulnerable
                .map(|yes| yes.to_string())
                .unwrap_or_default(),
            finding
                .properties
                .get("status")
                .cloned()
                .unwrap_or_default(),
            format!("{:.1}", finding.confidence.score()),
            finding.worst().map_or("none", Severity::as_str).to_owned(),
            issues.join("; "),
            finding.fingerprint.clone().unwrap_or_default(),
            finding.evidence.clone(),
        ];
        let line: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        out.push_str(&line.join(","));
        out.push_str("\r\n");
    }
    out
}

/// One cell, quoted; a leading sign that a spreadsheet would run gets an apostrophe.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_cannot_break_out_or_run_as_a_formula() {
        assert_eq!(super::cell("a\"b"), "\"a\"\"b\"");
        assert_eq!(super::cell("=cmd()"), "\"'=cmd()\"");
    }
}
