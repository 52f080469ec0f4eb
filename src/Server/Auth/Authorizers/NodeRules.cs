namespace Hanbae.Server.Auth.Authorizers;

/// <summary>What every node may do beside what concerns itself: upstream's role system:node.</summary>
static class NodeRules
{
    static readonly string[] s_read = ["get", "list", "watch"];

    static readonly Dictionary<(string Group, string Resource), string[]> s_verbs = new()
    {
        [("authentication.k8s.io", "tokenreviews")] = ["create"],
        [("authorization.k8s.io", "subjectaccessreviews")] = ["create"],
        [("authorization.k8s.io", "localsubjectaccessreviews")] = ["create"],
        [("authorization.k8s.io", "selfsubjectaccessreviews")] = ["create"],
        [("authorization.k8s.io", "selfsubjectrulesreviews")] = ["create"],
        [("authentication.k8s.io", "selfsubjectreviews")] = ["create"],
        [("", "services")] = s_read,
        [("", "endpoints")] = ["get"],
        [("", "events")] = ["create", "patch", "update"],
        [("events.k8s.io", "events")] = ["create", "patch", "update"],
        [("certificates.k8s.io", "certificatesigningrequests")] = ["create", "get", "list", "watch"],
        [("certificates.k8s.io", "clustertrustbundles")] = s_read,
        [("storage.k8s.io", "csidrivers")] = s_read,
        [("node.k8s.io", "runtimeclasses")] = s_read,
    };

    public static bool Allows(Attributes a) => a.Subresource.Length == 0 && s_verbs.TryGetValue((a.ApiGroup, a.Resource), out string[]? verbs) && verbs.Contains(a.Verb);
}
