namespace Hanbae.Server.Audit;

/// <summary>What is written about one request in the audit log, stage by stage.</summary>
sealed class AuditTrail
{
    public ValueTask EndedAsync() => default;
}
