using Hanbae.Machinery.Cel.Functions;

namespace Hanbae.Machinery.Cel;

/// <summary>What an expression asks an authorizer for.</summary>
public sealed record CelAccess
{
    /// <summary>Set when it asks for a service account rather than for whoever sent the request.</summary>
    public (string Namespace, string Name)? ServiceAccount { get; init; }
    public string Verb { get; init; } = "";
    /// <summary>Of a request for no resource; null when it is for one.</summary>
    public string? Path { get; init; }
    public string Group { get; init; } = "";
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    /// <summary>As written; what does not parse is to be left out of the decision.</summary>
    public string FieldSelector { get; init; } = "";
    /// <inheritdoc cref="FieldSelector"/>
    public string LabelSelector { get; init; } = "";
}

/// <summary>What an authorizer answers.</summary>
/// <param name="Error">What went wrong, or null.</param>
public readonly record struct CelDecision(bool Allowed, string Reason = "", string? Error = null);

/// <summary>Who expressions ask whether somebody may do something; the server implements it.</summary>
public interface ICelAuthorizer
{
    CelDecision Decide(CelAccess access, CancellationToken ct);
}

/// <summary>The variables <c>authorizer</c> and <c>authorizer.requestResource</c>.</summary>
public static class CelAuthorizer
{
    public static CelType Type => AuthorizerFunctions.Authorizer;
    public static CelType ResourceCheckType => AuthorizerFunctions.ResourceCheck;

    public static CelValue Value(ICelAuthorizer authorizer) => new AuthorizerFunctions.Check(Type, authorizer, new());

    /// <summary>A check of one resource, ready to be asked for verbs.</summary>
    public static CelValue ResourceCheck(ICelAuthorizer authorizer, CelAccess resource) => new AuthorizerFunctions.Check(ResourceCheckType, authorizer, resource);
}
