use reveille_crypto::*;
use std::time::Instant;
fn main() {
    let rust = reveille_crypto_rustcrypto::PROVIDER; let ring = reveille_crypto_ring::PROVIDER;
    let n = 64;
    let keys: Vec<_> = (0..n).map(|_| rust.p256.generate().unwrap()).collect();
    let peers: Vec<P256PublicKey> = (0..n).map(|_| *rust.p256.generate().unwrap().public_key().unwrap()).collect();
    let refs: Vec<_> = peers.iter().collect();
    let scalars: Vec<[u8;32]> = keys.iter().map(|k| *k.expose_scalar()).collect();
    let t=Instant::now();
    let out = reveille_crypto_lanes::proto(&refs, &scalars);
    println!("first {:?}", t.elapsed());
    let mut bad=0;
    for i in 0..n {
        let key = rust.p256.load_agreement_key(&keys[i]).unwrap();
        let a = key.agree(&peers[i]).unwrap();
        if out[i].0 != *key.public_key().as_bytes() { bad+=1; if i<3 {println!("pk {i}");} }
        if out[i].1 != *a.expose() { bad+=1; if i<3 {println!("ss {i}");} }
    }
    println!("bad {bad}");
    for n in [8,16,32,64] {
        let mut best=f64::MAX; let mut bestr=f64::MAX;
        for _ in 0..300 { let t=Instant::now(); std::hint::black_box(reveille_crypto_lanes::proto(&refs[..n], &scalars[..n])); best=best.min(t.elapsed().as_nanos() as f64/n as f64);
          let t=Instant::now(); let mut o=vec![]; ring.p256.agree_ephemeral_many(&refs[..8], &mut o).unwrap(); bestr=bestr.min(t.elapsed().as_nanos() as f64/8.0); }
        println!("{n}: {best:.0} ns each, ring {bestr:.0}: {:.2}", bestr/best);
    }
}
