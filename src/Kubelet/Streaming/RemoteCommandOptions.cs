using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Streaming;

/// <summary>Which streams a remote command has, and how long its connection may dawdle.</summary>
public sealed record RemoteCommandOptions
{
    public bool Stdin { get; init; }
    public bool Stdout { get; init; }
    public bool Stderr { get; init; }
    public bool Tty { get; init; }

    public StreamingTimeouts Timeouts { get; init; } = new();

    /// <summary>From the query of the kubelet's exec and attach endpoints (<c>input</c>, <c>output</c>, <c>error</c>, <c>tty</c>).</summary>
    /// <returns>Null when no stream is asked for, which upstream answers with 400.</returns>
    public static RemoteCommandOptions? FromKubeletQuery(IQueryCollection query)
    {
        bool tty = query["tty"] == "1";
        var options = new RemoteCommandOptions
        {
            Stdin = query["input"] == "1",
            Stdout = query["output"] == "1",
            Stderr = query["error"] == "1" && !tty, // a terminal has one output; upstream drops the other silently
            Tty = tty,
        };
        return options is { Stdin: false, Stdout: false, Stderr: false } ? null : options;
    }
}
