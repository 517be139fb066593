//! The steps from one format to the next: in order, whole, recorded, once.
use super::*;

fn step(number: u32, sql: &str) -> Migration {
    Migration {
        number,
        name: "a step of a test",
        sql: sql.to_owned(),
    }
}

fn steps() -> Vec<Migration> {
    vec![
        step(1, "CREATE TABLE a(x INTEGER)"),
        step(
            2,
            "INSERT INTO a VALUES(1); ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 5",
        ),
        step(3, "UPDATE a SET x = x * 10 + y"),
    ]
}

fn fresh() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    initialise(&connection).unwrap();
    connection
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn steps_run_in_order_and_only_once() {
    let mut connection = fresh();
    for count in [1, 1, 2, 3, 3] {
        migrate(&mut connection, &steps()[..count]).unwrap();
        assert_eq!(format(&connection), Ok(u32::try_from(count).unwrap()));
    }
    assert_eq!(number(&connection, "SELECT sum(x) FROM a"), 15);
    assert_eq!(number(&connection, "SELECT count(*) FROM migration"), 3);
    assert_eq!(
        number(&connection, "SELECT migrating IS NULL FROM schema"),
        1
    );
}

#[test]
fn a_database_of_the_release_before_is_brought_up_with_its_rows() {
    let mut connection = fresh();
    migrate(&mut connection, &steps()[..2]).unwrap();
    connection
        .execute("INSERT INTO a VALUES(7, 7)", [])
        .unwrap();
    migrate(&mut connection, &steps()).unwrap();
    assert_eq!(number(&connection, "SELECT max(x) FROM a"), 77);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let mut connection = fresh();
    migrate(&mut connection, &steps()).unwrap();
    let refused = migrate(&mut connection, &steps()[..2]);
    assert_eq!(refused, Err(StoreFault::TooNew { found: 3, known: 2 }));
    assert_eq!(format(&connection), Ok(3));
}

#[test]
fn a_step_that_fails_half_way_leaves_the_format_before_it() {
    let mut connection = fresh();
    let mut broken = steps();
    broken[1] = step(2, "INSERT INTO a VALUES(1); INSERT INTO nowhere VALUES(1)");
    assert!(migrate(&mut connection, &broken).is_err());
    assert_eq!(format(&connection), Ok(1));
    assert_eq!(number(&connection, "SELECT count(*) FROM a"), 0);
    assert_eq!(number(&connection, "SELECT count(*) FROM migration"), 1);
    migrate(&mut connection, &steps()).unwrap();
    assert_eq!(format(&connection), Ok(3));
}

#[test]
fn a_step_whose_text_changed_after_it_ran_is_refused() {
    let mut connection = fresh();
    migrate(&mut connection, &steps()[..2]).unwrap();
    let mut edited = steps();
    edited[0].sql.push(' ');
    assert!(matches!(
        migrate(&mut connection, &edited),
        Err(StoreFault::Corrupt(_))
    ));
    assert_eq!(format(&connection), Ok(2));
}

#[test]
fn a_database_that_somebody_is_migrating_is_not_touched() {
    let mut connection = fresh();
    migrate(&mut connection, &steps()[..1]).unwrap();
    connection
        .execute("UPDATE schema SET migrating = 2", [])
        .unwrap();
    assert!(matches!(
        migrate(&mut connection, &steps()),
        Err(StoreFault::Unavailable(_))
    ));
    assert_eq!(format(&connection), Ok(1));
    connection
        .execute("UPDATE schema SET migrating = NULL", [])
        .unwrap();
    migrate(&mut connection, &steps()).unwrap();
}

#[test]
fn the_steps_of_this_release_are_numbered_from_one_without_a_gap_and_build_every_table() {
    let numbers: Vec<u32> = migrations().iter().map(|step| step.number).collect();
    let expected: Vec<u32> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected);
    let mut connection = fresh();
    migrate(&mut connection, &migrations()).unwrap();
    require_tables(&connection).unwrap();
    connection
        .execute_batch("DROP TABLE t_3; CREATE TABLE t_3(key BLOB)")
        .unwrap();
    assert!(matches!(
        require_tables(&connection),
        Err(StoreFault::Corrupt(_))
    ));
}

/// Shipped databases carry these checksums: a step that gives another one can no longer open them.
#[test]
fn shipped_steps_have_not_changed() {
    let checksums: Vec<i64> = migrations()
        .iter()
        .map(|step| checksum(&step.sql))
        .collect();
    assert_eq!(checksums, [-837_242_506_781_802_355]);
}
