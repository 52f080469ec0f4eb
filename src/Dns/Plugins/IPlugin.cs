using Hanbae.Dns.Wire;

namespace Hanbae.Dns.Plugins;

/// <summary>Answers questions of one sort.</summary>
internal interface IPlugin
{
    /// <returns>Null when the question is not of its sort: the next plugin is asked.</returns>
    ValueTask<Answer?> AnswerAsync(Query query, CancellationToken ct);
}
