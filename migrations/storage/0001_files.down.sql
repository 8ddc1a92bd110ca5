DROP TABLE storage.uploads;
DROP TABLE storage.files;
DROP TABLE storage.quotas;
