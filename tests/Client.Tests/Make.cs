using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client.Tests;

/// <summary>Objects to test with.</summary>
static class Make
{
    public static ConfigMap Map(string name, string version = "", string ns = "default", string uid = "", string value = "") => new()
    {
        Metadata = new() { Name = name, Namespace = ns, ResourceVersion = version, Uid = uid.Length > 0 ? uid : "uid-" + name },
        Data = value.Length > 0 ? Api.Map.Of(("value", value)) : default,
    };

    public static Pod Pod(string name, string version = "", string ns = "default", string node = "", Map<string> labels = default) => new()
    {
        Metadata = new() { Name = name, Namespace = ns, ResourceVersion = version, Uid = "uid-" + name, Labels = labels },
        Spec = new() { NodeName = node },
    };

    public static ConfigMap Bookmark(string version, bool initialEnd = false) => new()
    {
        Metadata = new() { ResourceVersion = version, Annotations = initialEnd ? Api.Map.Of(("k8s.io/initial-events-end", "true")) : default },
    };

    public static Status Error(int code, string reason, string message = "told so") =>
        new() { StatusValue = "Failure", Code = code, Reason = reason, Message = message };
}
