use cedar_policy::*;
use std::str::FromStr;
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let mode = std::env::args().nth(2).unwrap();
    let body = match mode.as_str() {
        "paren" => format!("{}true{}", "(".repeat(n), ")".repeat(n)),
        "and" => vec!["1 == 1"; n].join(" && "),
        "or" => vec!["principal == resource"; n].join(" || "),
        "if" => format!("{}true", "if 1==1 then true else ".repeat(n)),
        "dot" => format!("context{}", ".a".repeat(n)),
        "add" => format!("{} == 1", vec!["1"; n].join(" + ")),
        "set" => format!("{}1{} == 1", "[".repeat(n), "]".repeat(n)),
        "call" => format!("context{}", ".contains(1)".repeat(n)),
        "not" => format!("{}true", "!(".repeat(n)) + &")".repeat(n),
        _ => panic!(),
    };
    let text = format!("permit(principal, action, resource) when {{ {body} }};");
    println!("{} bytes", text.len());
    let t = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let t0 = std::time::Instant::now();
            let r = PolicySet::from_str(&text);
            println!("parsed {} {:?}", r.is_ok(), t0.elapsed());
            match r {
                Err(e) => {
                    let s = e.to_string();
                    println!("{}", &s[..s.len().min(200)]);
                }
                Ok(s) => {
                    for p in s.policies() {
                        let pst = p.to_pst();
                        println!("pst {}", pst.is_ok());
                        drop(pst);
                        println!("pst dropped");
                    }
                    let e = Entities::empty();
                    let q = Request::new(
                        "A::\"x\"".parse().unwrap(),
                        "Action::\"x\"".parse().unwrap(),
                        "A::\"x\"".parse().unwrap(),
                        Context::empty(),
                        None,
                    )
                    .unwrap();
                    let r = Authorizer::new().is_authorized(&q, &s, &e);
                    println!("{:?} {}", r.decision(), r.diagnostics().errors().count());
                    drop(s);
                    println!("dropped");
                }
            }
        })
        .unwrap();
    println!("join {}", t.join().is_ok());
}
