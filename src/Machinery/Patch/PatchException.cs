namespace Hanbae.Machinery.Patch;

/// <summary>Whose fault a failed patch is, and so which status answers it.</summary>
public enum PatchFault
{
    /// <summary>The patch is malformed (upstream: 400).</summary>
    Malformed,
    /// <summary>The patch is well-formed but does not fit the object (upstream: 422).</summary>
    Unprocessable,
    /// <summary>A test of a JSON patch did not hold (upstream: 422).</summary>
    TestFailed,
    /// <summary>What upstream passes on as an internal error (500).</summary>
    Internal,
}

/// <summary>A patch that could not be read or applied; the message is upstream's, because clients show and compare it.</summary>
public sealed class PatchException(PatchFault fault, string message) : Exception(message)
{
    public PatchFault Fault { get; } = fault;
}
