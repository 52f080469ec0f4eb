using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Auth;

/// <summary>Names that mean something to Kubernetes itself.</summary>
public static class Groups
{
    public const string Masters = "system:masters", Authenticated = "system:authenticated", Unauthenticated = "system:unauthenticated";
    public const string Nodes = "system:nodes", ServiceAccounts = "system:serviceaccounts", Bootstrappers = "system:bootstrappers";
    public const string NodePrefix = "system:node:", ServiceAccountPrefix = "system:serviceaccount:";
    /// <summary>What says of a token's user on which node its Pod runs.</summary>
    public const string NodeName = "authentication.kubernetes.io/node-name";

    /// <summary>What the server calls itself when it writes on its own account.</summary>
    public static Identity ApiServer { get; } = new("system:apiserver", [Masters, Authenticated]);

    /// <summary>Everyone but the anonymous is in this group.</summary>
    public static Identity WithAuthenticated(Identity user) =>
        user.Groups.Contains(Authenticated) || user.Groups.Contains(Unauthenticated) ? user : user with { Groups = user.Groups.Add(Authenticated) };

    /// <summary>The node that a user is, or null.</summary>
    public static string? NodeOf(Identity user) =>
        user.Name.StartsWith(NodePrefix, StringComparison.Ordinal) && user.Groups.Contains(Nodes) ? user.Name[NodePrefix.Length..] : null;

    public static string ServiceAccountUser(string ns, string name) => $"{ServiceAccountPrefix}{ns}:{name}";

    public static Seq<string> ServiceAccountGroups(string ns) => [ServiceAccounts, $"{ServiceAccounts}:{ns}"];

    /// <summary>The service account that a user name is, or null.</summary>
    public static (string Namespace, string Name)? ServiceAccountOf(string user) =>
        user.StartsWith(ServiceAccountPrefix, StringComparison.Ordinal) && user[ServiceAccountPrefix.Length..].Split(':') is [{ Length: > 0 } ns, { Length: > 0 } name]
            ? (ns, name) : null;
}
