using System.Reflection;
using Xunit.Sdk;

namespace Hanbae.Server.Tests;

/// <summary>Runs a theory with an installed kubectl of that version; where it is missing, the skip says which.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class KubectlAttribute : DataAttribute
{
    readonly string? _path;

    public KubectlAttribute(string version)
    {
        string? installed = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(f => Path.Combine(f, "kubectl")).FirstOrDefault(File.Exists);
        installed = installed is null ? null : Path.GetDirectoryName(File.ResolveLinkTarget(installed, returnFinalTarget: true)?.FullName ?? installed);
        _path = installed is not null && File.Exists(Path.Combine(installed, "kubectl." + version)) ? Path.Combine(installed, "kubectl." + version) : null;
        if (_path is null) Skip = $"kubectl.{version} is not beside the kubectl in PATH";
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[_path ?? ""]];
}
