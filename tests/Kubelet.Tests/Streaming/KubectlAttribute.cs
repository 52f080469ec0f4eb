using System.Reflection;
using Xunit.Sdk;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>Runs a theory with an installed kubectl of that version; where it is missing, the skip says which.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class KubectlAttribute : DataAttribute
{
    readonly string? _path;

    public KubectlAttribute(string version)
    {
        _path = FakeCluster.Kubectl(version);
        if (_path is null) Skip = $"kubectl.{version} is not beside the kubectl in PATH";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_path ?? ""]];
}
