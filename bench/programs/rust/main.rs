#[path = "lib.rs"]
mod lib;

fn main() {
    println!("{}", lib::run(std::env::args().nth(1).unwrap().parse().unwrap()));
}
