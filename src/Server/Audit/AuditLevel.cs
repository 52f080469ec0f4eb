namespace Hanbae.Server.Audit;

/// <summary>How much of a request is written down; each has what those before it have.</summary>
public enum AuditLevel : byte { None, Metadata, Request, RequestResponse }

/// <summary>Where on its way a request is when it is written down.</summary>
[Flags]
public enum AuditStages : byte { None = 0, RequestReceived = 1, ResponseStarted = 2, ResponseComplete = 4, Panic = 8 }
