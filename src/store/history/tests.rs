mod damage;
mod made_up;
mod questions;
