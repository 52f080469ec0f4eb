using Hanbae.Api.Meta.V1;

namespace Hanbae.Server.Errors;

/// <summary>Ends a request with a <see cref="Hanbae.Api.Meta.V1.Status"/>; made by <see cref="Statuses"/> in upstream's words.</summary>
public sealed class StatusException(Status status) : Exception(status.Message)
{
    public Status Status { get; } = status;
    public int Code => Status.Code;
    public string Reason => Status.Reason;
}
