-- Subjects whose sex or date of birth is not known are left out.
CREATE VIEW subjects_by_birth_year_live AS
SELECT births.year || '-' || births.sex AS key,
       births.year,
       births.sex,
       COUNT(*)                         AS subjects
  FROM (SELECT CAST(STRFTIME('%Y', date_of_birth) AS INTEGER) AS year, sex FROM subjects) AS births
 WHERE births.year IS NOT NULL
   AND births.sex  IS NOT NULL
 GROUP BY births.year, births.sex;
