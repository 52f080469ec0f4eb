using Hanbae.Dns.Plugins;
using Hanbae.Dns.Wire;

namespace Hanbae.Dns;

/// <summary>Follows a Service of type ExternalName to addresses: the resolvers of C libraries look no further than one answer.</summary>
internal sealed class Aliases(ClusterZone zone, Forwarder forwarder)
{
    /// <summary>Aliases that are followed one after the other; whoever has more has a loop.</summary>
    const int Longest = 8;

    /// <returns>The name at which the answer stops short of what was asked; null when it is complete.</returns>
    public static string? Open(Query query, Answer answer) =>
        query.Question.Type is RecordType.A or RecordType.Aaaa && answer.Records is [.., { Data: RecordData.Alias last }] ? last.Name : null;

    public async Task<Answer> FollowAsync(Query query, Answer answer, CancellationToken ct)
    {
        for (int i = 0; i < Longest && Open(query, answer) is { } name; i++)
        {
            var next = query.Question with { Name = name.ToLowerInvariant(), AsAsked = name };
            if (await zone.AnswerAsync(query with { Question = next }, ct) is { } own)
            {
                answer = answer with { Code = own.Code, Records = answer.Records.AddRange(own.Records), Authority = own.Authority };
                if (own.Records.IsEmpty) return answer;
                continue;
            }
            // The other server follows what is beyond the cluster; an alias alone is still better than nothing.
            if (await forwarder.AskAsync(DnsWriter.Ask(name, next.Type), tcp: false, ct) is { } bytes && DnsReader.ReadAnswer(bytes) is { } found)
                answer = answer with { Code = found.Code, Records = answer.Records.AddRange(found.Records) };
            return answer;
        }
        return answer;
    }
}
