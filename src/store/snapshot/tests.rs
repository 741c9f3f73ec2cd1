mod damage;
mod fixture;
mod folders;
mod made_up;
mod round_trip;
