-- Subjects whose sex or date of birth is not known are left out.
CREATE MATERIALIZED VIEW subjects_by_birth_year AS
SELECT births.year || '-' || births.sex AS key,
       births.year,
       births.sex,
       COUNT(*)                         AS subjects
  FROM (SELECT EXTRACT(YEAR FROM date_of_birth)::integer AS year, sex FROM subjects) AS births
 WHERE births.year IS NOT NULL
   AND births.sex  IS NOT NULL
 GROUP BY births.year, births.sex;

CREATE UNIQUE INDEX subjects_by_birth_year_key ON subjects_by_birth_year (key);
