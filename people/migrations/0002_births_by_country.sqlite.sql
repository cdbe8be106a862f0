CREATE VIEW births_by_country_live AS
SELECT places.country,
       COUNT(*) AS births
  FROM people
  JOIN places ON places.id = people.place_of_birth_id
 GROUP BY places.country;
