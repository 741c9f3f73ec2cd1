mod damage;
mod queries;
mod synthetic;
