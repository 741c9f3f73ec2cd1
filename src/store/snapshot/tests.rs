mod damage;
mod folders;
mod made_up;
mod round_trip;
