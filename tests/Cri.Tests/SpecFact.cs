using System.ComponentModel;
using Hanbae.Kit.Containerd;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Hanbae.Cri.Tests;

/// <summary>A fact of the spec, which a real runtime's subclass skips, naming what it lacks, where it cannot run.</summary>
[XunitTestCaseDiscoverer("Hanbae.Cri.Tests.SpecFactDiscoverer", "Hanbae.Cri.Tests")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class SpecFactAttribute : FactAttribute;

public sealed class SpecFactDiscoverer(IMessageSink diagnostics) : IXunitTestCaseDiscoverer
{
    public IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact) =>
        [new SpecTestCase(diagnostics, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method)];
}

public sealed class SpecTestCase : XunitTestCase
{
    [EditorBrowsable(EditorBrowsableState.Never), Obsolete("for xunit's deserializer only")]
    public SpecTestCase()
    {
    }

    public SpecTestCase(IMessageSink diagnostics, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(diagnostics, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) =>
        TestMethod.TestClass.Class.Name == typeof(ContainerdTests).FullName && ContainerdNode.Missing is { } missing
            ? "no containerd can run here: " + missing
            : base.GetSkipReason(factAttribute);
}
