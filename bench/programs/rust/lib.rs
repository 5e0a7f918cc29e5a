//! Requests in JSON, parsed by serde_json, changed, kept for a while in maps, and printed.

use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap};

#[cfg(feature = "hakmem")]
#[global_allocator]
static HEAP: hakmem::Hakmem = hakmem::Hakmem;

fn request(mut seed: u32) -> String {
    let mut orders = Vec::new();
    for _ in 0..40 {
        seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
        let lines: Vec<Value> = (0..2 + (seed >> 16) % 6)
            .map(|line| json!({ "item": format!("article {} of a catalogue", seed % (line + 100)), "price": seed % 10000, "amount": line }))
            .collect();
        let note = "x".repeat((seed >> 26) as usize);
        orders.push(json!({ "customer": format!("customer number {}", seed >> 8), "note": note, "lines": lines }));
    }
    json!({ "id": seed, "orders": orders }).to_string()
}

fn answer(text: &str, kept: &mut HashMap<String, BTreeMap<String, u64>>) -> usize {
    let mut value: Value = serde_json::from_str(text).unwrap();
    for order in value["orders"].as_array_mut().unwrap() {
        let customer = order["customer"].as_str().unwrap().to_owned();
        let totals = kept.entry(customer).or_default();
        for line in order["lines"].as_array().unwrap() {
            *totals.entry(line["item"].as_str().unwrap().to_owned()).or_insert(0) += line["price"].as_u64().unwrap() * line["amount"].as_u64().unwrap();
        }
        order["total"] = json!(totals.values().sum::<u64>());
        order.as_object_mut().unwrap().remove("note");
    }
    value.to_string().len()
}

#[no_mangle]
pub extern "C" fn run(rounds: u32) -> u32 {
    let kinds: Vec<String> = (0..64).map(request).collect();
    let mut kept = HashMap::new();
    let mut sum = 0usize;
    for round in 0..rounds as usize {
        sum = sum.wrapping_add(answer(&kinds[round % kinds.len()], &mut kept));
        if round % 100 == 99 {
            kept.clear();
        }
    }
    sum as u32
}
