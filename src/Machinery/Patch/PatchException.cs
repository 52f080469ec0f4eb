namespace Hanbae.Machinery.Patch;

/// <summary>Whose fault a failed patch is, and so which status answers it.</summary>
public enum PatchFault
{
    /// <summary>The patch is malformed (400; upstream blames itself, with 500, for a strategic one whose lists make no sense).</summary>
    Malformed,
    /// <summary>The patch is well-formed but does not fit the object (upstream: 422).</summary>
    Unprocessable,
    /// <summary>A test of a JSON patch did not hold (upstream: 422).</summary>
    TestFailed,
}

/// <summary>A patch that could not be read or applied; the message is upstream's, because clients show and compare it.</summary>
public sealed class PatchException(PatchFault fault, string message) : Exception(message)
{
    public PatchFault Fault { get; } = fault;
}
