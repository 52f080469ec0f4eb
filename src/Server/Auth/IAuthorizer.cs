using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth;

/// <summary>Says whether a user may do something. Several stand in a catalog, asked in order until one allows or denies.</summary>
public interface IAuthorizer
{
    ValueTask<Decision> AuthorizeAsync(Attributes attributes, CancellationToken ct);
}

/// <summary>Who wants to do what, as upstream's authorizer.Attributes.</summary>
public sealed record Attributes
{
    public required Identity User { get; init; }
    public required string Verb { get; init; }
    /// <summary>False for paths such as <c>/healthz</c>: then only <see cref="Path"/> and <see cref="Verb"/> count.</summary>
    public required bool IsResourceRequest { get; init; }
    public string Path { get; init; } = "";
    public string ApiGroup { get; init; } = "";
    public string ApiVersion { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    public string Name { get; init; } = "";
    /// <summary>The raw selectors of list, watch and deletecollection (KEP-4601).</summary>
    public string FieldSelector { get; init; } = "";
    public string LabelSelector { get; init; } = "";

    public bool IsReadOnly => Verb is "get" or "list" or "watch";
}

public enum Verdict : byte { NoOpinion, Allow, Deny }

/// <param name="Reason">Shown to the user when nobody allows.</param>
/// <param name="Error">Why an authorizer could not say: a request that nobody allows then fails with it.</param>
public readonly record struct Decision(Verdict Verdict, string Reason, string? Error = null)
{
    /// <summary>All that there is to say of a refusal.</summary>
    public string Why => Error is null ? Reason : Reason.Length > 0 ? $"{Error}: {Reason}" : Error;

    public static Decision Allow(string reason = "") => new(Verdict.Allow, reason);
    public static Decision Deny(string reason) => new(Verdict.Deny, reason);
    public static Decision NoOpinion(string reason = "") => new(Verdict.NoOpinion, reason);
}
