namespace Hanbae.Machinery.Cel;

/// <summary>What upstream allows expressions to cost; one unit is about 50 ns of its time.</summary>
public static class CelLimits
{
    /// <summary>One evaluation of one expression may cost this.</summary>
    public const ulong PerCall = 1_000_000;
    /// <summary>All rules of one object, and all expressions of one policy, together.</summary>
    public const ulong PerObject = 10_000_000;
    /// <summary>Match conditions of one webhook or authorizer, together.</summary>
    public const ulong PerMatchConditions = 2_500_000;
    /// <summary>A custom resource's rule may be estimated at this, times how often it can apply.</summary>
    public const ulong EstimatedPerRule = 10_000_000;
    /// <summary>All rules of a CustomResourceDefinition together.</summary>
    public const ulong EstimatedPerDefinition = 100_000_000;

    internal const int MaxCodePoints = 100_000;
    internal const int MaxDepth = 250;
    internal const int MaxErrors = 100;
    /// <summary>No string or list that an expression makes is longer; costs alone would let a chain of replacements make gigabytes.</summary>
    internal const int MaxProduct = 16 * 1024 * 1024;
}
