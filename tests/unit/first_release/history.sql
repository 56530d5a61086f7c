PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE actions (
    incident INTEGER, place INTEGER, operation TEXT, target TEXT, started REAL, finished REAL, result TEXT, detail TEXT,
    subject TEXT DEFAULT '', PRIMARY KEY (incident, place));
INSERT INTO "actions" VALUES(1,0,'service/start','shop.service',1.79566389211833930014e+09,1.79566389228335928913e+09,'done','failed -> active (success)','');
INSERT INTO "actions" VALUES(4,0,'system/restore-permissions','',1.79566389399496674538e+09,1.7956638941496944427e+09,'done','success','');
INSERT INTO "actions" VALUES(2,0,'service/start','crash.service',1.79566389252883267402e+09,1.79566389263260817524e+09,'done','failed -> failed (exit-code)','');
INSERT INTO "actions" VALUES(2,1,'service/repair','crash.service',1.79566392490745735171e+09,1.79566392503359580036e+09,'done','failed -> failed (exit-code)','');
CREATE TABLE evidence (incident INTEGER, taken REAL, properties TEXT, journal TEXT);
INSERT INTO "evidence" VALUES(1,1.79566389229086780551e+09,'{"result": "signal", "exec_main_status": 9, "n_restarts": 0, "service_type": "simple", "invocation": "8584817224144565b9962a74975f78e6"}','Nov 26 03:31:32 systemd[1]: Started shop.service.
Nov 26 03:31:32 systemd[1]: shop.service: Sent signal SIGKILL to main process 129 (sleep) on client request.
Nov 26 03:31:32 systemd[1]: shop.service: Main process exited, code=killed, status=9/KILL
Nov 26 03:31:32 systemd[1]: shop.service: Failed with result ''signal''.');
INSERT INTO "evidence" VALUES(2,1.79566389264441394809e+09,'{"result": "exit-code", "exec_main_status": 7, "n_restarts": 0, "service_type": "simple", "invocation": "d550b984a27f445cb3aa6c81a642a1f8"}','Nov 26 03:31:32 systemd[1]: Started crash.service.
Nov 26 03:31:32 sh[175]: I crash
Nov 26 03:31:32 systemd[1]: crash.service: Main process exited, code=exited, status=7/NOTRUNNING
Nov 26 03:31:32 systemd[1]: crash.service: Failed with result ''exit-code''.');
INSERT INTO "evidence" VALUES(3,1.7956638926889724731e+09,'{"result": "signal", "exec_main_status": 9, "n_restarts": 0, "service_type": "simple", "invocation": "d0af436645724a218c53304db4a4f52f"}','Nov 26 03:31:32 systemd[1]: Started mill.service.
Nov 26 03:31:32 systemd[1]: mill.service: Sent signal SIGKILL to main process 204 (sleep) on client request.');
INSERT INTO "evidence" VALUES(2,1.79566392503914952277e+09,'{"result": "exit-code", "exec_main_status": 7, "n_restarts": 0, "service_type": "simple", "invocation": "e467fb724be54b0a9704c303cf7bdb1a"}','Nov 26 03:31:32 systemd[1]: Started crash.service.
Nov 26 03:31:32 sh[175]: I crash
Nov 26 03:31:32 systemd[1]: crash.service: Main process exited, code=exited, status=7/NOTRUNNING
Nov 26 03:31:32 systemd[1]: crash.service: Failed with result ''exit-code''.
Nov 26 03:31:32 sh[201]: I crash
Nov 26 03:31:32 systemd[1]: Started crash.service.
Nov 26 03:31:32 systemd[1]: crash.service: Main process exited, code=exited, status=7/NOTRUNNING
Nov 26 03:31:32 systemd[1]: crash.service: Failed with result ''exit-code''.');
CREATE TABLE findings (incident INTEGER PRIMARY KEY, killed TEXT, changes TEXT, left_out INTEGER);
INSERT INTO "findings" VALUES(1,'a person or a program of theirs: shop.service: Sent signal SIGKILL to main process 129 (sleep) on client request.','[{"at": 1795663891.989787, "kind": "file", "what": "/etc/systemd/system/shop.service", "detail": "was written, or put in place"}, {"at": 1795663821.0, "kind": "package", "what": "python3-distro-info", "detail": "install 1.5+deb12u1"}, {"at": 1795663821.0, "kind": "package", "what": "python3-urllib3", "detail": "install 1.26.12-1+deb12u4"}]',3);
INSERT INTO "findings" VALUES(2,'itself: it ended with exit status 7','[{"at": 1795663892.4043002, "kind": "file", "what": "/etc/systemd/system/crash.service", "detail": "was written, or put in place"}, {"at": 1795663821.0, "kind": "package", "what": "python3-distro-info", "detail": "install 1.5+deb12u1"}, {"at": 1795663821.0, "kind": "package", "what": "python3-urllib3", "detail": "install 1.26.12-1+deb12u4"}]',3);
INSERT INTO "findings" VALUES(3,'a person or a program of theirs: mill.service: Sent signal SIGKILL to main process 204 (sleep) on client request.','[{"at": 1795663892.5251172, "kind": "file", "what": "/etc/systemd/system/mill.service", "detail": "was written, or put in place"}, {"at": 1795663821.0, "kind": "package", "what": "python3-distro-info", "detail": "install 1.5+deb12u1"}, {"at": 1795663821.0, "kind": "package", "what": "python3-urllib3", "detail": "install 1.26.12-1+deb12u4"}]',3);
INSERT INTO "findings" VALUES(4,'','[{"at": 1795663821.0, "kind": "package", "what": "python3-distro-info", "detail": "install 1.5+deb12u1"}, {"at": 1795663821.0, "kind": "package", "what": "python3-urllib3", "detail": "install 1.26.12-1+deb12u4"}]',3);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY, kind TEXT, subject TEXT, severity INTEGER, opened REAL, ill REAL, well REAL, healed REAL,
    closed REAL, outcome TEXT, reason TEXT, next_operation TEXT, next_target TEXT, next_at REAL, skipped TEXT,
    files REAL, boot TEXT, halted INTEGER DEFAULT 0);
INSERT INTO "incidents" VALUES(1,'unit-failed','shop.service',3,1.79566389209992361072e+09,1.79566389209992361072e+09,1.79566389227597808832e+09,1.79566389227597808832e+09,1.79566449227597808835e+09,'healed','rule "service": service/start shop.service',NULL,NULL,NULL,'[]',1.79566389198978710174e+09,'6c1f0a52-7d0e-4e55-9b4c-2f1f3a6de001',0);
INSERT INTO "incidents" VALUES(2,'unit-failed','crash.service',3,1.79566389252064800268e+09,1.7956639250391895771e+09,NULL,NULL,NULL,'open','2 repairs so far; the next is 2min after the last','service/start','crash.service',1.79566405642745733264e+09,'[]',1.79566389240430021286e+09,'6c1f0a52-7d0e-4e55-9b4c-2f1f3a6de001',0);
INSERT INTO "incidents" VALUES(3,'unit-failed','mill.service',3,1.79566389264446282392e+09,1.79566389264446282392e+09,NULL,NULL,NULL,'asked','rule "ask about the mill" asks before service/start mill.service','service/start','mill.service',1.79575029264446282386e+09,'[]',1.79566389252511715893e+09,'6c1f0a52-7d0e-4e55-9b4c-2f1f3a6de001',0);
INSERT INTO "incidents" VALUES(4,'permissions-wrong','/tmp',3,1.79566389398435401919e+09,1.79566389398435401919e+09,1.79566389415028715131e+09,1.79566389415028715131e+09,1.79566449415028715134e+09,'healed','rule "permissions": system/restore-permissions',NULL,NULL,NULL,'[]',0.0,'6c1f0a52-7d0e-4e55-9b4c-2f1f3a6de001',0);
CREATE TABLE seen (incident INTEGER PRIMARY KEY, since REAL, value TEXT, threshold TEXT, detail TEXT);
INSERT INTO "seen" VALUES(1,1.79566389209992361072e+09,'"failed"','"failed"','shop.service is failed (signal)');
INSERT INTO "seen" VALUES(2,1.79566389252064752581e+09,'"failed"','"failed"','crash.service is failed (exit-code), its main process ended with status 7');
INSERT INTO "seen" VALUES(3,1.79566389264446258549e+09,'"failed"','"failed"','mill.service is failed (signal)');
INSERT INTO "seen" VALUES(4,1.79566389398435354235e+09,'"0755 0:0"','"1777 0:0"','/tmp is 0755 0:0, it should be 1777 0:0');
CREATE TABLE steps (incident INTEGER, at REAL, event TEXT, reason TEXT);
INSERT INTO "steps" VALUES(1,1.79566389211723804477e+09,'opened','shop.service is failed (signal)');
INSERT INTO "steps" VALUES(1,1.79566389211849498745e+09,'decided','rule "service": service/start shop.service');
INSERT INTO "steps" VALUES(1,1.79566389229014372825e+09,'healed','');
INSERT INTO "steps" VALUES(2,1.79566389252831792831e+09,'opened','crash.service is failed (exit-code), its main process ended with status 7');
INSERT INTO "steps" VALUES(2,1.79566389252890729901e+09,'decided','rule "service": service/start crash.service');
INSERT INTO "steps" VALUES(3,1.79566389265205574032e+09,'opened','mill.service is failed (signal)');
INSERT INTO "steps" VALUES(2,1.79566389265375161172e+09,'waits','1 repair so far; the next is 30s after the last');
INSERT INTO "steps" VALUES(3,1795663892.65427,'asked','rule "ask about the mill" asks before service/start mill.service');
INSERT INTO "steps" VALUES(4,1.79566389399421858785e+09,'opened','/tmp is 0755 0:0, it should be 1777 0:0');
INSERT INTO "steps" VALUES(4,1.79566389399501895904e+09,'decided','rule "permissions": system/restore-permissions');
INSERT INTO "steps" VALUES(4,1.79566389415296721451e+09,'healed','');
INSERT INTO "steps" VALUES(2,1.7956639249078183174e+09,'decided','rule "service": service/repair crash.service (after service/start)');
INSERT INTO "steps" VALUES(2,1.79566392504093217848e+09,'waits','2 repairs so far; the next is 2min after the last');
INSERT INTO "steps" VALUES(1,1.79566449227597808835e+09,'closed','rule "service": service/start shop.service');
INSERT INTO "steps" VALUES(4,1.79566449415028715134e+09,'closed','rule "permissions": system/restore-permissions');
CREATE INDEX open_incidents ON incidents (closed) WHERE closed IS NULL;
CREATE INDEX evidence_of ON evidence (incident);
CREATE INDEX steps_of ON steps (incident);
COMMIT;
